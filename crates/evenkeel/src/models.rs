use std::fmt;
use std::sync::Arc;

use evenkeel_messages::Model;
use evenkeel_transport::{Operation, Path};
use http::Method;
use serde::de::DeserializeOwned;

use crate::options::{Options, option_setters, page_setter};
use crate::pipeline::{Call, Plan};
use crate::shared::Shared;
use crate::{Answered, DryRun, Error, Listing, answered};

const PATH: &str = "/v1/models";

/// The models that the credential may use, and what they can do. Made by
/// [`Client::models`](crate::Client::models).
#[derive(Clone)]
#[must_use]
pub struct Models {
    shared: Arc<Shared>,
    pub(crate) options: Options,
}

impl Models {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            options: Options::default(),
        }
    }

    option_setters!();
    page_setter!();

    /// Every model, newest first. Limits such as a deadline hold for each page.
    pub fn list(&self) -> Listing<Model> {
        Listing::at(PATH, &self.shared, &self.options)
    }

    /// One model, by its id or an alias.
    ///
    /// # Errors
    ///
    /// The last failure; `not_found` where there is no such model, `invalid_config` for an id that is
    /// none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once.
    pub fn retrieve(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Answered<Model>, Error>> + Send + use<> {
        let (calls, id) = (self.clone(), Path::new(PATH).segment(id).encode());
        async move { calls.fetch(&id?).await }
    }

    /// What [`list`](Self::list) would send first, as a command for a shell. Nothing is.
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self) -> Result<DryRun, Error> {
        Ok(DryRun::of(&self.plan(PATH)?, &self.shared)?)
    }

    async fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<Answered<T>, Error> {
        let call = Call::new(Arc::clone(&self.shared), self.plan(path)?, &self.options);
        call.fetch(answered::json).await.map(Answered::new)
    }

    fn plan(&self, path: &str) -> Result<Plan, Error> {
        let mut operation = Operation::new(Method::GET, path);
        operation.head_limit = self.shared.tuning.timers.head;
        Ok(Plan::of(&self.shared, operation, PATH, &self.options)?)
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
