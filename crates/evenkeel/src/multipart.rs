use std::fmt::Write;

use bytes::Bytes;
use evenkeel_error::Error;

/// A form with a file in it, as `multipart/form-data` has it (RFC 7578): what stands before the
/// file's content and what stands behind it.
///
/// Pure: the boundary comes in as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Multipart {
    pub(crate) before: Bytes,
    pub(crate) behind: Bytes,
    boundary: String,
}

/// The name of the field that holds the file (the API's documentation, files page).
const FIELD: &str = "file";

impl Multipart {
    /// A form of these fields and a file.
    pub(crate) fn new(
        boundary: String,
        fields: &[(&str, String)],
        filename: &str,
        content_type: &str,
    ) -> Self {
        let mut before = String::new();
        for (name, value) in fields {
            // Writing to a string cannot fail.
            let _ = write!(
                before,
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        let name = escaped(filename);
        let _ = write!(
            before,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{FIELD}\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        Self {
            before: before.into(),
            behind: format!("\r\n--{boundary}--\r\n").into(),
            boundary,
        }
    }

    /// The `content-type` of the whole.
    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }
}

/// A boundary of these random bits that is nowhere in `content`, as far as that is known; the next
/// one that `bits` makes if it is.
pub(crate) fn boundary(mut bits: impl FnMut() -> u64, content: Option<&[u8]>) -> String {
    loop {
        let boundary = format!("evenkeel-{:016x}{:016x}", bits(), bits());
        let is_there = content
            .is_some_and(|content| memchr::memmem::find(content, boundary.as_bytes()).is_some());
        if !is_there {
            return boundary;
        }
    }
}

/// A file's name between quotes, as browsers write it (the HTML standard, multipart/form-data
/// encoding algorithm): what would end the quotes or the line is percent-encoded, the rest is UTF-8.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '"' => escaped.push_str("%22"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Whether a MIME type can stand in a head: `type/subtype`, perhaps with parameters, of one line.
pub(crate) fn check_type(content_type: &str) -> Result<(), Error> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_token = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(fits)
    };
    let has_form = essence
        .split_once('/')
        .is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    let is_line = content_type
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte));
    if has_form && is_line {
        return Ok(());
    }
    Err(Error::invalid_config(
        "content_type",
        "must be a MIME type such as application/pdf",
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_written_as_browsers_write_it() {
        let fields = [("expires_in_seconds", "3600".to_owned())];
        let form = Multipart::new("B".into(), &fields, "a \"b\"\r\nc ü.pdf", "application/pdf");
        let whole = [&form.before[..], b"CONTENT", &form.behind[..]].concat();
        let whole = String::from_utf8(whole).unwrap().replace('\r', "␍");
        insta::assert_snapshot!(whole, @r#"
        --B␍
        Content-Disposition: form-data; name="expires_in_seconds"␍
        ␍
        3600␍
        --B␍
        Content-Disposition: form-data; name="file"; filename="a %22b%22%0D%0Ac ü.pdf"␍
        Content-Type: application/pdf␍
        ␍
        CONTENT␍
        --B--␍
        "#);
        assert_eq!(form.content_type(), "multipart/form-data; boundary=B");
    }

    #[test]
    fn a_boundary_that_is_in_the_content_is_not_taken() {
        let mut next = 0;
        let mut bits = || {
            next += 1;
            next / 3
        };
        let first = boundary(&mut bits, None);
        next = 0;
        let mut bits = || {
            next += 1;
            next / 3
        };
        let content = format!("x{first}y");
        let second = boundary(&mut bits, Some(content.as_bytes()));
        assert_ne!(first, second);
        assert!(second.len() <= 70, "RFC 2046 §5.1.1");
    }

    #[test]
    fn a_mime_type_is_of_one_line() {
        for fits in [
            "application/pdf",
            "text/plain; charset=utf-8",
            "image/svg+xml",
        ] {
            assert!(check_type(fits).is_ok(), "{fits}");
        }
        for wrong in [
            "",
            "pdf",
            "/",
            "text/",
            "text/plain\r\nx: y",
            "text/plän",
            "a b/c",
        ] {
            assert!(check_type(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_name_ends_its_quotes_or_its_line(name in ".*|[\"\r\n\\\\;]*") {
            let form = Multipart::new("B".into(), &[], &name, "a/b");
            let before = String::from_utf8(form.before.to_vec()).unwrap();
            prop_assert_eq!(before.matches("\r\n").count(), 4);
            prop_assert_eq!(before.matches('\n').count(), 4);
            prop_assert_eq!(before.matches('"').count(), 4);
        }

        #[test]
        fn no_boundary_is_in_the_content(content: Vec<u8>, seed: u64) {
            let dice = crate::dice::Dice::seeded(seed);
            let boundary = boundary(|| dice.bits(), Some(&content));
            prop_assert!(memchr::memmem::find(&content, boundary.as_bytes()).is_none());
        }
    }
}
