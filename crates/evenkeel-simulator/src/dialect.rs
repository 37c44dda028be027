//! The headers that say by which rules a request is read.

/// The versions that the API knows.
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];

/// Checks the header `anthropic-version`; the error is the API's message.
pub(crate) fn check_version(version: Option<&str>) -> Result<(), String> {
    match version {
        None => Err("anthropic-version: header is required".into()),
        Some(known) if VERSIONS.contains(&known) => Ok(()),
        Some(other) => Err(format!(
            "anthropic-version: \"{other}\" is not a valid API version"
        )),
    }
}

/// What a request is checked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// `2023-06-01`.
    First,
    /// `2026-10-21`.
    Second,
}

impl Version {
    pub(crate) fn named(version: Option<&str>) -> Self {
        match version {
            Some("2023-06-01") => Self::First,
            _ => Self::Second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_versions_of_the_api_are_known() {
        assert_eq!(check_version(Some("2023-06-01")), Ok(()));
        assert_eq!(check_version(Some("2026-10-21")), Ok(()));
        assert!(
            check_version(Some("2020-01-01"))
                .unwrap_err()
                .contains("2020-01-01")
        );
        assert!(check_version(None).unwrap_err().contains("required"));
    }
}
