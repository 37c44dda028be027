use std::borrow::Cow;
use std::sync::Arc;

use evenkeel_error::{Error, InvalidConfig};
use evenkeel_event::{Observer, Propagator};
use evenkeel_messages::{MessageRequest, RawJson};
use evenkeel_transport::{ExtraHeaders, Path};

use crate::Credential;

/// The header of the betas, which are joined and not replaced.
pub(crate) const BETA: &str = "anthropic-beta";

/// The parameter for the size of a page, and the largest that the API takes (its documentation, list
/// of models).
const LIMIT: &str = "limit";
const LARGEST_PAGE: u32 = 1_000;

/// What few calls set.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    pub(crate) credential: Option<Credential>,
    headers: Vec<(String, String)>,
    betas: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) fields: Vec<(String, RawJson)>,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    pub(super) propagators: Vec<Arc<dyn Propagator>>,
    /// The first option that cannot be.
    pub(super) broken: Option<InvalidConfig>,
}

impl Extras {
    /// The headers of a call: the client's, with the call's own over them, and the betas of both.
    pub(crate) fn headers_over(&self, of_client: &ExtraHeaders) -> Result<ExtraHeaders, Error> {
        let mut own = of_client.beside();
        for (name, value) in &self.headers {
            own.add(name, value)?;
        }
        for beta in &self.betas {
            own.add(BETA, beta)?;
        }
        let mut all = of_client.clone();
        all.extend(&own);
        Ok(all)
    }

    /// A path with the parameters of the call.
    pub(crate) fn path<'a>(&self, path: Cow<'a, str>) -> Result<Cow<'a, str>, Error> {
        if self.query.is_empty() {
            return Ok(path);
        }
        let parameters = self.query.iter();
        let path = parameters.fold(Path::new(path), |path, (name, value)| {
            path.query(name, value)
        });
        path.encode().map(Cow::Owned)
    }

    pub(crate) fn header(&mut self, name: String, value: String) {
        self.headers.push((name, value));
    }

    pub(crate) fn beta(&mut self, name: String) {
        self.betas.push(name);
    }

    pub(crate) fn query(&mut self, name: String, value: String) {
        self.query.push((name, value));
    }

    pub(crate) fn field(&mut self, name: String, value: Result<RawJson, InvalidConfig>) {
        let value = MessageRequest::check_extra("field", &name).and(value);
        match value {
            Ok(value) => self.fields.push((name, value)),
            Err(invalid) => {
                self.broken.get_or_insert(invalid);
            }
        }
    }

    /// How many things are on a page of a list.
    pub(crate) fn page_size(&mut self, size: u32) {
        if (1..=LARGEST_PAGE).contains(&size) {
            self.query.retain(|(name, _)| name != LIMIT);
            self.query(LIMIT.into(), size.to_string());
        } else {
            let invalid = InvalidConfig::new("page_size", "must be 1 to 1000");
            self.broken.get_or_insert(invalid);
        }
    }

    pub(crate) fn observer(&mut self, observer: Arc<dyn Observer>) {
        self.observers.push(observer);
    }

    pub(super) fn are_heard(&self) -> bool {
        !self.observers.is_empty() || !self.propagators.is_empty()
    }

    pub(crate) fn propagator(&mut self, propagator: Arc<dyn Propagator>) {
        self.propagators.push(propagator);
    }
}

impl std::fmt::Debug for Extras {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Extras")
            .field("credential", &self.credential)
            .field("headers", &names(&self.headers))
            .field("betas", &self.betas)
            .field("query", &names(&self.query))
            .finish_non_exhaustive()
    }
}
