use evenkeel_transport::ExtraHeaders;

use super::*;

fn options(set: impl FnOnce(&mut Extras)) -> Options {
    let mut options = Options::default();
    set(options.extras_mut());
    options
}

#[test]
fn a_header_of_the_call_replaces_the_clients_and_betas_add_up() {
    let mut of_client = ExtraHeaders::new();
    of_client.add("x-team", "client").unwrap();
    of_client.add("x-other", "client").unwrap();
    of_client.add(BETA, "a, b").unwrap();
    let options = options(|extras| {
        extras.header("X-Team".into(), "call".into());
        extras.beta("c".into());
        extras.beta("a".into());
    });
    let mut all = http::HeaderMap::new();
    let extras = options.extras.unwrap();
    extras.headers_over(&of_client).unwrap().write(&mut all);
    assert_eq!(all["x-team"], "call");
    assert_eq!(all["x-other"], "client");
    let betas: Vec<_> = all.get_all(BETA).iter().collect();
    assert_eq!(betas, ["a,b,c"]);
}

#[test]
fn an_option_that_cannot_be_is_named() {
    let wrong = |set: fn(&mut Options)| {
        let mut options = Options::default();
        set(&mut options);
        let of_client = ExtraHeaders::new();
        let headers = |()| match &options.extras {
            Some(extras) => extras.headers_over(&of_client),
            None => Ok(of_client.clone()),
        };
        let error = options.check().and_then(headers);
        error.unwrap_err().message().unwrap().to_owned()
    };
    for (message, field) in [
        (
            wrong(|options| options.deadline = Some(Duration::ZERO)),
            "deadline ",
        ),
        #[cfg(feature = "retry")]
        (wrong(|options| options.attempts = Some(0)), "attempts "),
        (
            wrong(|options| options.extras_mut().credential = Some(Credential::api_key(""))),
            "api_key ",
        ),
        (
            wrong(|options| options.extras_mut().header("host".into(), "x".into())),
            "header host ",
        ),
        (
            wrong(|options| options.extras_mut().beta("a\nb".into())),
            "header anthropic-beta ",
        ),
        (
            wrong(|options| {
                let value = evenkeel_messages::RawJson::new(&true);
                options.extras_mut().field("stream".into(), value);
            }),
            "field must not name model, max_tokens, messages or stream",
        ),
    ] {
        assert!(message.starts_with(field), "{message}");
    }
}

#[test]
fn options_print_names_and_no_values() {
    let options = options(|extras| {
        extras.header("x-team".into(), "planted".into());
        extras.query("after".into(), "planted".into());
        extras.credential = Some(Credential::api_key("planted"));
    });
    let text = format!("{options:?}");
    assert!(
        text.contains("x-team") && !text.contains("planted"),
        "{text}"
    );
}
