use std::sync::Mutex;

use evenkeel_error::Error;
use http::Uri;
use reqwest::Url;

/// URLs as reqwest takes them. It has a parser of its own, which costs more than all else that an
/// attempt does here; a client sends most requests to one place, so the last one is kept.
#[derive(Default)]
pub(super) struct Urls {
    last: Mutex<Option<(Uri, Url)>>,
}

impl Urls {
    pub(super) fn of(&self, uri: &Uri) -> Result<Url, Error> {
        // Whoever finds it taken parses: never worth a wait.
        let Ok(mut last) = self.last.try_lock() else {
            return parse(uri);
        };
        if let Some((known, url)) = &*last
            && known == uri
        {
            return Ok(url.clone());
        }
        let url = parse(uri)?;
        *last = Some((uri.clone(), url.clone()));
        Ok(url)
    }
}

fn parse(uri: &Uri) -> Result<Url, Error> {
    let text = uri.to_string();
    // What the parser says may repeat the URL.
    Url::parse(&text)
        .ok()
        // reqwest would make a header of it, and HTTP/2 send it as part of the authority.
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| Error::invalid_config("base_url", "is not a URL that can be sent to"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_that_of_the_uri_whichever_came_before() {
        let urls = Urls::default();
        for uri in [
            "https://host/v1/messages",
            "https://host/v1/messages",
            "https://host/v1/models?limit=1",
            "https://HOST/v1/messages",
            "https://host:444/v1/messages",
            "http://host/v1/messages",
        ] {
            let url = urls.of(&uri.parse().unwrap()).unwrap();
            assert_eq!(url.as_str(), uri.to_lowercase());
        }
        for uri in [
            "/planted",
            "https://planted:planted@host/",
            "https://planted@host/",
        ] {
            let error = urls.of(&Uri::from_static(uri)).unwrap_err();
            assert!(!format!("{error:?} {}", error.report()).contains("planted"));
        }
    }
}
