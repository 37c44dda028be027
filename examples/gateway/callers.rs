//! A client for each caller: what the API says to one account, to come back in an hour, holds for
//! no other. They share the connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use evenkeel::transport::{BaseUrl, ClaudeApi, Cleartext, ReqwestTransport};
use evenkeel::{Client, Credential, Error, Patience};

/// How many are kept, at a few KiB each.
const MOST: usize = 1_000;

/// Key, token and `anthropic-version`, as the caller sends them.
type Caller = [Option<String>; 3];

pub(crate) struct Callers {
    base: String,
    transport: Arc<ReqwestTransport>,
    clients: Mutex<HashMap<Caller, Client>>,
}

impl Callers {
    pub(crate) fn from_env() -> Result<Self, Error> {
        let base = std::env::var("ANTHROPIC_BASE_URL").unwrap_or(ClaudeApi::URL.into());
        let url = BaseUrl::parse(&base, Cleartext::LoopbackOnly)?;
        Ok(Self {
            base,
            transport: Arc::new(ReqwestTransport::builder().build_for(&url)?),
            clients: Mutex::default(),
        })
    }

    pub(crate) fn client(&self, headers: &HeaderMap) -> Result<Client, Error> {
        let given = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let caller = ["x-api-key", "authorization", "anthropic-version"].map(given);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&caller) {
            return Ok(client.clone());
        }
        let client = Client::with_transport(Arc::clone(&self.transport)).base_url(&self.base);
        let mut client = client.patience(Patience::Interactive);
        let [key, token, version] = &caller;
        if let Some(key) = key {
            client = client.api_key(key);
        } else if let Some(token) = token.as_ref().and_then(|it| it.strip_prefix("Bearer ")) {
            client = client.credential(Credential::bearer(token));
        }
        if let Some(version) = version {
            client = client.version(version);
        }
        let client = client.build()?;
        if clients.len() == MOST {
            clients.clear(); // they are made again as they call
        }
        clients.insert(caller, client.clone());
        Ok(client)
    }
}
