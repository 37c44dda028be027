//! The clients of others, with their defaults. Streams are read to the end and collected by their own means.

pub mod claude_api {
    use std::net::SocketAddr;

    use claude_api::Client;
    use claude_api::messages::{ContentBlock, CreateMessageRequest, KnownBlock, Message};

    use crate::{Call, KEY, MODEL, PROMPT};

    fn client(server: SocketAddr) -> Client {
        let client = Client::builder()
            .api_key(KEY)
            .base_url(format!("http://{server}"));
        client.build().expect("its defaults")
    }

    fn asked() -> CreateMessageRequest {
        let request = CreateMessageRequest::builder()
            .model(MODEL)
            .max_tokens(1024)
            .user(PROMPT);
        request.build().expect("a request")
    }

    fn text(message: &Message) -> usize {
        match &message.content[0] {
            ContentBlock::Known(KnownBlock::Text { text, .. }) => text.len(),
            _ => 0,
        }
    }

    pub fn plain(server: SocketAddr) -> Call {
        let client = client(server);
        Box::new(move || {
            let client = client.clone();
            Box::pin(
                async move { text(&client.messages().create(asked()).await.expect("a reply")) },
            )
        })
    }

    pub fn streamed(server: SocketAddr) -> Call {
        let client = client(server);
        Box::new(move || {
            let client = client.clone();
            Box::pin(async move {
                let stream = client
                    .messages()
                    .create_stream(asked())
                    .await
                    .expect("a head");
                text(&stream.aggregate().await.expect("a reply"))
            })
        })
    }
}

pub mod crimson_crab {
    use std::net::SocketAddr;

    use crimson_crab::Client;
    use crimson_crab::prelude::{MessageParam, MessagesRequest};

    use crate::{Call, KEY, MODEL, PROMPT};

    fn client(server: SocketAddr) -> Client {
        let client = Client::builder()
            .api_key(KEY)
            .base_url(format!("http://{server}"));
        client.build().expect("its defaults")
    }

    fn asked() -> MessagesRequest {
        MessagesRequest::builder()
            .model(MODEL)
            .max_tokens(1024)
            .messages(vec![MessageParam::user(PROMPT)])
            .build()
            .expect("a request")
    }

    pub fn plain(server: SocketAddr) -> Call {
        let client = client(server);
        Box::new(move || {
            let client = client.clone();
            Box::pin(async move {
                client
                    .messages()
                    .create(&asked())
                    .await
                    .expect("a reply")
                    .text()
                    .len()
            })
        })
    }

    pub fn streamed(server: SocketAddr) -> Call {
        let client = client(server);
        Box::new(move || {
            let client = client.clone();
            Box::pin(async move {
                let stream = client.messages().stream(&asked()).await.expect("a head");
                stream.collect_final().await.expect("a reply").text().len()
            })
        })
    }
}

pub mod genai {
    use std::net::SocketAddr;

    use futures_util::StreamExt as _;
    use genai::adapter::AdapterKind;
    use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent};
    use genai::resolver::{AuthData, Endpoint, Error, ServiceTargetResolver};
    use genai::{Client, ModelIden, ServiceTarget};

    use crate::{Call, KEY, MODEL, PROMPT};

    fn client(server: SocketAddr) -> Client {
        let resolver = ServiceTargetResolver::from_resolver_fn(
            move |target: ServiceTarget| -> Result<ServiceTarget, Error> {
                Ok(ServiceTarget {
                    endpoint: Endpoint::from_owned(format!("http://{server}/v1/")),
                    auth: AuthData::from_single(KEY),
                    model: ModelIden::new(AdapterKind::Anthropic, target.model.model_name),
                })
            },
        );
        let client = Client::builder().with_service_target_resolver(resolver);
        client.build().expect("its defaults")
    }

    fn asked() -> (ChatRequest, ChatOptions) {
        let request = ChatRequest::new(vec![ChatMessage::user(PROMPT)]);
        (request, ChatOptions::default().with_max_tokens(1024))
    }

    pub fn plain(server: SocketAddr) -> Call {
        let client = client(server);
        Box::new(move || {
            let client = client.clone();
            Box::pin(async move {
                let (request, options) = asked();
                let reply = client.exec_chat(MODEL, request, Some(&options)).await;
                reply.expect("a reply").first_text().map_or(0, str::len)
            })
        })
    }

    pub fn streamed(server: SocketAddr) -> Call {
        let client = client(server);
        Box::new(move || {
            let client = client.clone();
            Box::pin(async move {
                let (request, options) = asked();
                let options = options.with_capture_content(true).with_capture_usage(true);
                let reply = client
                    .exec_chat_stream(MODEL, request, Some(&options))
                    .await;
                let mut stream = reply.expect("a head").stream;
                let mut end = None;
                while let Some(event) = stream.next().await {
                    if let ChatStreamEvent::End(all) = event.expect("a sound event") {
                        end = Some(all);
                    }
                }
                let content = end.expect("an end").captured_content.expect("the content");
                content.first_text().map_or(0, str::len)
            })
        })
    }
}

pub mod rig_core {
    use std::net::SocketAddr;

    use rig_core::Model;
    use rig_core::completion::CompletionRequest;
    use rig_core::providers::anthropic::{AnthropicConfig, Messages};

    use crate::{Call, KEY, MODEL, PROMPT};

    fn model(server: SocketAddr) -> Model<Messages> {
        let config = AnthropicConfig::new(KEY).with_base_url(format!("http://{server}"));
        config.client().completion(MODEL)
    }

    fn asked() -> CompletionRequest {
        CompletionRequest::new(PROMPT).max_tokens(1024)
    }

    pub fn plain(server: SocketAddr) -> Call {
        let model = model(server);
        Box::new(move || {
            let model = model.clone();
            Box::pin(async move { model.call(asked()).await.expect("a reply").text().len() })
        })
    }

    pub fn streamed(server: SocketAddr) -> Call {
        let model = model(server);
        Box::new(move || {
            let model = model.clone();
            Box::pin(async move {
                let stream = model.stream(asked()).expect("a request");
                stream.finish().await.expect("a reply").text().len()
            })
        })
    }
}
