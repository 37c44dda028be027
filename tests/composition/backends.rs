//! Calls to a place that differs from the Claude API: every one of them goes through its back end.

use std::time::SystemTime;

use bytes::Bytes;
use evenkeel::error::{Error, Facts};
use evenkeel::event::AttemptHead;
use evenkeel::transport::{
    Backend, BaseUrl, Body, BoxFuture, Cleartext, Operation, Request, Response, Secret, Transport,
};
use evenkeel::{Client, Credential, ErrorKind, Fallback, Stopped, Token};
use evenkeel_tests::{PLANTED_KEY, Reply, Script, client, request};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Has the model in the URL, a key in a header of its own, and no use for tokens.
#[derive(Debug)]
struct Elsewhere(BaseUrl);

impl Elsewhere {
    fn new() -> Self {
        Self(BaseUrl::parse("https://elsewhere.example/claude", Cleartext::LoopbackOnly).unwrap())
    }
}

impl Backend for Elsewhere {
    fn label(&self) -> &'static str {
        "elsewhere"
    }

    fn base_url(&self) -> &BaseUrl {
        &self.0
    }

    fn request(&self, operation: Operation<'_>) -> Result<Request, Error> {
        let model = operation.model.unwrap_or("none");
        let path = format!("/{model}/{:?}{}", operation.reply, operation.path);
        let mut request = Request::new(operation.method, self.0.join(&path)?);
        request.headers = operation.headers;
        request.body = operation.body;
        request.head_limit = operation.head_limit;
        Ok(request)
    }

    fn authorize(
        &self,
        request: &mut Request,
        secret: Secret<'_>,
        _: SystemTime,
    ) -> Result<(), Error> {
        let Secret::ApiKey(key) = secret else {
            return Err(Error::invalid_config("credential", "must be a key"));
        };
        let mut value = HeaderValue::try_from(format!("Key {key}")).unwrap();
        value.set_sensitive(true);
        let name = HeaderName::from_static("x-elsewhere");
        request.headers.insert(name, value);
        Ok(())
    }

    fn reserved_headers(&self) -> &[HeaderName] {
        static OWN: [HeaderName; 1] = [HeaderName::from_static("x-elsewhere")];
        &OWN
    }

    fn response(&self, mut response: Response) -> Response {
        // Its streams have a name of their own.
        if response.headers.remove("x-stream").is_some() {
            let stream = HeaderValue::from_static("text/event-stream");
            response.headers.insert("content-type", stream);
        }
        response
    }
}

fn at(transport: &Script, credential: Credential) -> Client {
    Client::with_transport(transport.clone())
        .backend(Elsewhere::new())
        .credential(credential)
        .header("x-team", "client")
        .header("anthropic-beta", "one")
        .build()
        .unwrap()
}

fn keyed(transport: &Script) -> Client {
    at(transport, Credential::api_key(PLANTED_KEY))
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_call_goes_out_and_comes_back_in_the_words_of_its_back_end() {
    let script = Script::new([
        Reply::error(529, "overloaded_error", "x"),
        Reply::message("hello")
            .header("content-type", "application/x-frames")
            .header("x-stream", "1"),
        Reply::status(200).body(r#"{"input_tokens":7}"#),
        Reply::status(200).body(r#"{"data":[],"has_more":false}"#),
        Reply::status(200).body("{}"),
    ]);
    let client = keyed(&script);
    let calls = client.messages().header("x-team", "call").beta("two");
    assert_eq!(calls.create(request()).await.unwrap().text(), "hello");
    let count = calls.count_tokens(request()).await.unwrap();
    assert_eq!(count.value.input_tokens, 7);
    assert!(client.models().list().next().await.is_none());
    let raw = client.raw().query("b", "2");
    raw.get("/v1/files?a=1").await.unwrap();
    let sent = script.sent();
    let paths: Vec<_> = sent.iter().map(|sent| sent.path.as_str()).collect();
    let model = "/claude/claude-sonnet-5-5";
    assert_eq!(
        paths,
        [
            &format!("{model}/Stream/v1/messages"),
            &format!("{model}/Stream/v1/messages"),
            &format!("{model}/Whole/v1/messages/count_tokens"),
            "/claude/none/Whole/v1/models",
            "/claude/none/Whole/v1/files?a=1&b=2",
        ]
    );
    for (number, sent) in sent.iter().enumerate() {
        assert_eq!(sent.header("x-elsewhere"), format!("Key {PLANTED_KEY}"));
        assert_eq!(sent.header("x-api-key"), "");
        let (team, betas) = if number < 3 {
            ("call", "one,two")
        } else {
            ("client", "one")
        };
        assert_eq!(sent.header("x-team"), team);
        assert_eq!(sent.header("anthropic-beta"), betas);
        assert_eq!(sent.header("anthropic-version"), "", "this one has none");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_goes_through_the_back_end_of_its_own_client() {
    let first = Script::new([Reply::error(529, "overloaded_error", "x")]);
    let second = Script::new([Reply::message("second")]);
    let (client, _) = client(&first, |builder| builder);
    let fallback = Fallback::to("claude-haiku-5-5").via(keyed(&second));
    let calls = client.messages().header("x-team", "call");
    let reply = calls.fallback(fallback).create(request()).await.unwrap();
    assert_eq!(reply.text(), "second");
    assert_eq!(first.sent()[0].path, "/v1/messages");
    let sent = &second.sent()[0];
    assert_eq!(sent.path, "/claude/claude-haiku-5-5/Stream/v1/messages");
    assert_eq!(sent.header("x-elsewhere"), format!("Key {PLANTED_KEY}"));
    assert_eq!(sent.header("x-team"), "call");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_what_the_back_end_makes_of_a_call_and_no_secret() {
    let client = keyed(&Script::new([Reply::status(200)]));
    let dry = client.messages().dry_run(request()).unwrap().to_string();
    assert!(
        dry.contains("'https://elsewhere.example/claude/claude-sonnet-5-5/Stream/v1/messages'"),
        "{dry}"
    );
    assert!(
        dry.contains(r#"--header "x-elsewhere: Key $ANTHROPIC_API_KEY""#),
        "{dry}"
    );
    assert!(!dry.contains(PLANTED_KEY), "{dry}");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_the_back_end_has_no_use_for_ends_the_call_before_anything_is_sent() {
    let provider = Credential::provider(|| async { Ok(Token::bearer("token")) });
    for credential in [Credential::bearer("token"), provider] {
        let script = Script::new([Reply::message("hello")]);
        let client = at(&script, credential);
        let error = client.messages().create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert_eq!(error.stopped(), Stopped::NotRecoverable);
        assert!(error.attempts().is_empty() && script.sent().is_empty());
        assert!(client.messages().dry_run(request()).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_no_header_can_hold_ends_the_call_before_anything_is_sent() {
    let script = Script::new([Reply::message("hello")]);
    let (client, _) = client(&script, |builder| {
        builder.credential(Credential::provider(|| async {
            Ok(Token::bearer("planted\n"))
        }))
    });
    let error = client.messages().create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.attempts().is_empty() && script.sent().is_empty());
    assert!(!error.report().to_string().contains("planted"));
}

/// Answers with one chunk, or with that cut in two.
struct InPieces(usize);

static ANSWER: &[u8] = br#"{"data":[]}"#;

impl Transport for InPieces {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let headers = HeaderMap::new();
        let facts = Facts::read(200, &headers, SystemTime::UNIX_EPOCH);
        let chunks: Vec<_> = ANSWER.chunks(ANSWER.len().div_ceil(self.0)).collect();
        let body = Body::from_stream(Pieces(chunks.into_iter()));
        Box::pin(std::future::ready(Ok(Response::new(facts, headers, body))))
    }
}

struct Pieces(std::vec::IntoIter<&'static [u8]>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(|chunk| Ok(Bytes::from_static(chunk))))
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_one_chunk_is_handed_on_where_it_lies_and_of_more_is_joined_up_to_the_limit() {
    for pieces in [1, 2, 3] {
        let client = |limit: usize| {
            let builder = Client::with_transport(InPieces(pieces)).reply_size(limit);
            builder.build().unwrap().raw()
        };
        let get = |method| client(ANSWER.len()).send(method, "/v1/files", Bytes::new());
        let answer = get(Method::GET).await.unwrap();
        assert_eq!(answer.body, ANSWER);
        assert_eq!(answer.body.as_ptr() == ANSWER.as_ptr(), pieces == 1);
        let error = client(ANSWER.len() - 1).get("/v1/files").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let message = error.failure().message().unwrap();
        assert_eq!(message, "the reply is larger than 10 bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_back_end_writes_itself_is_set_by_no_client_no_call_and_no_propagator() {
    let script = Script::new([Reply::message("hello")]);
    let builder = || {
        Client::with_transport(script.clone())
            .backend(Elsewhere::new())
            .credential(Credential::api_key(PLANTED_KEY))
    };
    let of_client = builder().header("X-Elsewhere", "planted").build();
    let calls = || builder().build().unwrap().messages();
    let of_call = calls().header("x-elsewhere", "planted").create(request());
    let of_propagator = calls()
        .propagator(|head: &mut AttemptHead| head.header("x-elsewhere", "planted"))
        .create(request());
    for error in [
        of_client.map(|_| ()).unwrap_err(),
        of_call.await.unwrap_err(),
        of_propagator.await.unwrap_err(),
    ] {
        assert_eq!(
            error.to_string(),
            "invalid_config: header x-elsewhere may not be set: the back end writes it itself"
        );
    }
    assert!(script.sent().is_empty());
}
