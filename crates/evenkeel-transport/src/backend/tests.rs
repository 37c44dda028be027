use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use serde_json::Value;

use super::*;
use crate::{Body, Cleartext};

fn base(url: &str) -> BaseUrl {
    BaseUrl::parse(url, Cleartext::LoopbackOnly).unwrap()
}

fn messages() -> Operation<'static> {
    let mut operation = Operation::new(Method::POST, "/v1/messages");
    operation.model = Some("claude-sonnet-5-5");
    operation.reply = ReplyForm::Stream;
    operation.body = Bytes::from_static(
        br#"{"model":"claude-sonnet-5-5","max_tokens":1,"stream":true,"messages":[]}"#,
    );
    operation
}

fn authorized(backend: &dyn Backend, secret: Secret<'_>) -> Request {
    let mut request = backend.request(messages()).unwrap();
    backend
        .authorize(&mut request, secret, SystemTime::UNIX_EPOCH)
        .unwrap();
    request
}

#[test]
fn the_claude_api_takes_the_operation_as_it_is() {
    let api = ClaudeApi::new(base("https://gateway.example/claude"));
    let request = authorized(&api, Secret::ApiKey("sk-ant-planted"));
    assert_eq!(request.uri, "https://gateway.example/claude/v1/messages");
    assert_eq!(request.headers["anthropic-version"], "2026-10-21");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["x-api-key"], "sk-ant-planted");
    assert!(request.headers["x-api-key"].is_sensitive());
    assert_eq!(request.body, messages().body);
    assert_eq!(
        ClaudeApi::public().unwrap().base_url().origin(),
        ClaudeApi::URL
    );
    let shown = format!("{request:?} {:?}", Secret::ApiKey("sk-ant-planted"));
    assert!(!shown.contains("planted"), "{shown}");
}

#[test]
fn a_workspace_that_a_call_names_on_aws_is_refused_and_not_left_out_without_a_word() {
    let aws = ClaudePlatformOnAws::new("eu-central-1", "wrkspc_01").unwrap();
    for workspace in ["wrkspc_02", "wrkspc_01"] {
        let mut operation = messages();
        let value = HeaderValue::from_static(workspace);
        operation.headers.insert("anthropic-workspace-id", value);
        let error = aws.request(operation).unwrap_err();
        let message = error.message().unwrap();
        assert!(
            message.starts_with("header anthropic-workspace-id "),
            "{message}"
        );
    }
}

#[test]
fn the_platform_on_aws_is_the_same_wire_at_another_address_with_its_workspace() {
    let aws = ClaudePlatformOnAws::new("eu-central-1", "wrkspc_01").unwrap();
    let request = authorized(&aws, Secret::Bearer("token"));
    let url = "https://aws-external-anthropic.eu-central-1.api.aws/v1/messages";
    assert_eq!(request.uri, url);
    assert_eq!(request.headers["anthropic-workspace-id"], "wrkspc_01");
    assert_eq!(request.headers["authorization"], "Bearer token");
    let old = aws.version("2023-06-01").unwrap();
    let request = old.request(messages()).unwrap();
    assert_eq!(request.headers["anthropic-version"], "2023-06-01");
}

#[test]
fn bad_settings_of_a_backend_are_named() {
    for region in ["", "us west", "evil.example/", "US-WEST-2"] {
        let error = ClaudePlatformOnAws::new(region, "wrkspc_01").unwrap_err();
        assert!(error.message().unwrap().starts_with("region "));
    }
    for workspace in ["", "a\nb", "a b"] {
        let error = ClaudePlatformOnAws::new("us-west-2", workspace).unwrap_err();
        assert!(error.message().unwrap().starts_with("workspace "));
    }
    let api = ClaudeApi::public().unwrap();
    for version in ["", "2026\n"] {
        let error = api.clone().version(version).unwrap_err();
        assert!(error.message().unwrap().starts_with("version "));
    }
    for secret in ["", "sk-ant-planted\n", "sk-ant planted", "sk-ant-plänted"] {
        for secret in [Secret::ApiKey(secret), Secret::Bearer(secret)] {
            let error = secret.write(&mut HeaderMap::new()).unwrap_err();
            let all = format!("{error} {error:?} {}", error.report());
            assert!(!all.contains("planted") && !all.contains("sk-ant"), "{all}");
        }
    }
}

/// What follows sketches the back ends that are not built yet, to prove that each fits the trait as
/// it is: the model in the URL, a body without it, a signature over the whole request, and frames
/// of another kind.
mod later {
    use super::*;

    /// The body without `model` and `stream`, with the version in it: what Bedrock and Google Cloud
    /// take.
    fn body_with_version(body: &[u8], version: &str) -> Bytes {
        let mut body: Value = serde_json::from_slice(body).unwrap();
        let fields = body.as_object_mut().unwrap();
        fields.remove("model");
        fields.remove("stream");
        fields.insert("anthropic_version".into(), version.into());
        serde_json::to_vec(&body).unwrap().into()
    }

    #[derive(Debug)]
    struct Bedrock(BaseUrl);

    impl Backend for Bedrock {
        fn label(&self) -> &'static str {
            "bedrock"
        }

        fn base_url(&self) -> &BaseUrl {
            &self.0
        }

        fn request(&self, operation: Operation<'_>) -> Result<Request, Error> {
            let (Some(model), "/v1/messages") = (operation.model, &*operation.path) else {
                return Err(Error::invalid_config("backend", "has messages only"));
            };
            let verb = match operation.reply {
                ReplyForm::Stream => "invoke-with-response-stream",
                ReplyForm::Whole => "invoke",
            };
            let path = crate::Path::new("/model").segment(model).segment(verb);
            let uri = self.0.join(&path.encode()?)?;
            let mut request = Request::new(operation.method, uri);
            request.body = body_with_version(&operation.body, "bedrock-2023-05-31");
            Ok(request)
        }

        fn authorize(
            &self,
            request: &mut Request,
            _: Secret<'_>,
            at: SystemTime,
        ) -> Result<(), Error> {
            // A signature needs method, URI, headers, the whole body and the time: all at hand.
            let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            let signed = format!("{} {} {seconds}", request.uri.path(), request.body.len());
            request
                .headers
                .insert("authorization", signed.parse().unwrap());
            Ok(())
        }

        fn response(&self, response: Response) -> Response {
            let mut headers = response.headers;
            headers.insert("content-type", "text/event-stream".parse().unwrap());
            let body = Body::from_stream(Reframed(response.body));
            Response::new(response.facts, headers, body)
        }
    }

    /// Each frame of the back end's as an event of the Claude API's.
    struct Reframed(Body);

    impl Stream for Reframed {
        type Item = Result<Bytes, Error>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            let frame = ready!(self.0.poll_chunk(cx));
            Poll::Ready(frame.map(|frame| {
                frame.map(|frame| [b"data: ", frame.as_ref(), b"\n\n"].concat().into())
            }))
        }
    }

    #[derive(Debug)]
    struct GoogleCloud(BaseUrl);

    impl Backend for GoogleCloud {
        fn label(&self) -> &'static str {
            "google_cloud"
        }

        fn base_url(&self) -> &BaseUrl {
            &self.0
        }

        fn request(&self, operation: Operation<'_>) -> Result<Request, Error> {
            let model = operation.model.unwrap_or_default();
            let path =
                crate::Path::new("/v1/projects/p/locations/global/publishers/anthropic/models")
                    .segment(&format!("{model}:streamRawPredict"));
            let mut request = Request::new(operation.method, self.0.join(&path.encode()?)?);
            request.body = body_with_version(&operation.body, "vertex-2023-10-16");
            Ok(request)
        }

        fn authorize(
            &self,
            request: &mut Request,
            secret: Secret<'_>,
            _: SystemTime,
        ) -> Result<(), Error> {
            secret.write(&mut request.headers)
        }
    }

    #[derive(Debug)]
    struct Foundry(ClaudeApi);

    impl Backend for Foundry {
        fn label(&self) -> &'static str {
            "foundry"
        }

        fn base_url(&self) -> &BaseUrl {
            self.0.base_url()
        }

        fn request(&self, operation: Operation<'_>) -> Result<Request, Error> {
            self.0.request(operation)
        }

        fn authorize(
            &self,
            request: &mut Request,
            secret: Secret<'_>,
            at: SystemTime,
        ) -> Result<(), Error> {
            self.0.authorize(request, secret, at)?;
            // The key goes by another name there.
            if let Some(key) = request.headers.remove("x-api-key") {
                request.headers.insert("api-key", key);
            }
            Ok(())
        }
    }

    #[test]
    fn bedrock_fits_model_in_the_url_signature_and_other_frames() {
        let bedrock = Bedrock(base("https://bedrock-runtime.us-east-1.amazonaws.com"));
        let request = authorized(&bedrock, Secret::Bearer("unused"));
        assert!(
            request
                .uri
                .path()
                .ends_with("/claude-sonnet-5-5/invoke-with-response-stream")
        );
        assert!(request.headers.contains_key("authorization"));
        let body = std::str::from_utf8(&request.body).unwrap();
        assert!(!body.contains("\"model\"") && body.contains("bedrock-2023-05-31"));

        let facts = evenkeel_error::Facts::read(200, &HeaderMap::new(), SystemTime::UNIX_EPOCH);
        let frame = Body::from_bytes(Bytes::from_static(b"{}"));
        let response = bedrock.response(Response::new(facts, HeaderMap::new(), frame));
        assert_eq!(response.form(), crate::Form::EventStream);
        let mut body = response.body;
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(Ok(chunk))) = body.poll_chunk(&mut context) else {
            panic!("a frame is there");
        };
        assert_eq!(chunk, "data: {}\n\n");
    }

    #[test]
    fn google_cloud_and_foundry_fit_too() {
        let google = GoogleCloud(base("https://aiplatform.googleapis.com"));
        let request = authorized(&google, Secret::Bearer("token"));
        assert!(
            request
                .uri
                .path()
                .contains("claude-sonnet-5-5%3AstreamRawPredict")
        );
        assert_eq!(request.headers["authorization"], "Bearer token");

        let foundry = ClaudeApi::new(base("https://r.services.ai.azure.com/anthropic"));
        let request = authorized(&Foundry(foundry), Secret::ApiKey("key"));
        assert_eq!(request.headers["api-key"], "key");
        assert!(request.uri.path().starts_with("/anthropic/v1/messages"));
    }
}
