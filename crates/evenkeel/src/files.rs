use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use evenkeel_messages::{Deleted, File};
use evenkeel_transport::{Operation, Path, StreamBodies};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde::de::DeserializeOwned;

use crate::options::{Options, option_setters, page_setter};
use crate::pipeline::{Call, Plan};
use crate::repeat::Repeat;
use crate::shared::Shared;
use crate::{Answered, Download, DryRun, Error, Listing, Upload, answered};

const PATH: &str = "/v1/files";

/// The Files API. Made by [`Client::files`](crate::Client::files).
///
/// ```no_run
/// # async fn example(client: evenkeel::Client, report: Vec<u8>) -> Result<(), evenkeel::Error> {
/// use evenkeel::Upload;
///
/// let upload = Upload::bytes("report.pdf", report).content_type("application/pdf");
/// let file = client.files().upload(upload).await?;
/// println!("{} is {}", file.id, file.filename.as_deref().unwrap_or("nameless"));
/// # Ok(())
/// # }
/// ```
///
/// The API is out of beta, so no beta is named; [`beta`](Self::beta) with `files-api-2025-04-14` asks for
/// the shapes of before, whose lists are read as well.
#[derive(Clone)]
#[must_use]
pub struct Files {
    shared: Arc<Shared>,
    pub(crate) options: Options,
}

impl Files {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            options: Options::default(),
        }
    }

    option_setters!();
    page_setter!();

    /// Uploads a file. It is sent again only if it was not sent, or refused with 429 or 529, since each
    /// upload makes another file; and one that is read as it is sent only while nothing of it has been
    /// read. While the upload gets on, patience stands still.
    ///
    /// # Errors
    ///
    /// The last failure. With [`Stopped::NotReplayable`](crate::Stopped::NotReplayable) what was read
    /// of a stream cannot be sent again: give it anew. Where its
    /// [`delivery`](crate::Error::delivery) is `Unknown` the file may exist, whatever ended the call.
    /// `invalid_config` for a name or a type that cannot be, a source that fails or has another length
    /// than it was given, and for a stream on a transport that sends none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once; the file may exist if all of it had been sent.
    pub fn upload(
        &self,
        upload: Upload,
    ) -> impl Future<Output = Result<Answered<File>, Error>> + Send + use<> {
        let calls = self.clone();
        async move {
            let plan = calls.uploading(upload)?;
            calls.carry_out(plan).await
        }
    }

    /// What the API knows of a file.
    ///
    /// # Errors
    ///
    /// The last failure; `not_found` where there is no such file, `invalid_config` for an id that is
    /// none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once.
    pub fn retrieve(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Answered<File>, Error>> + Send + use<> {
        self.of(Method::GET, id)
    }

    /// The content of a file, from its first byte on. Only of files that tools made: what was uploaded
    /// is not given back. What fails before the first byte is tried again.
    ///
    /// # Errors
    ///
    /// The last failure; `not_found` where there is no such file, `invalid_request` for one that is
    /// not given out.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once; dropping the download does the same later.
    pub fn download(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Download, Error>> + Send + use<> {
        let (calls, path) = (self.clone(), Path::new(PATH).segment(id).segment("content"));
        async move {
            let operation = calls.operation(Method::GET, path.encode()?);
            let mut call = calls.call(calls.plan(operation)?);
            let opened = call.open().await?;
            Ok(Download::new(call, opened))
        }
    }

    /// Deletes a file. Sent again freely: if an earlier attempt's answer was lost, `not_found` says that
    /// it is gone.
    ///
    /// # Errors
    ///
    /// The last failure; `not_found` where there is no such file.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the call at once; the file may be deleted or not.
    pub fn delete(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Answered<Deleted>, Error>> + Send + use<> {
        self.of(Method::DELETE, id)
    }

    /// Every file of the workspace, newest first. Limits such as a deadline hold for each page.
    pub fn list(&self) -> Listing<File> {
        Listing::at(PATH, &self.shared, &self.options)
    }

    /// What [`upload`](Self::upload) would send, as a command for a shell that sends the file of that
    /// name. Nothing is sent or read. For the other calls there is
    /// [`Raw::dry_run`](crate::Raw::dry_run).
    ///
    /// # Errors
    ///
    /// `invalid_config`, as for the call.
    pub fn dry_run(&self, upload: &Upload) -> Result<DryRun, Error> {
        upload.form(|| self.shared.dice.bits())?;
        let plan = self.plan(self.operation(Method::POST, PATH))?;
        let fields = upload.fields();
        let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
        let named = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#);
        let file = format!(
            r#"file=@"{0}";filename="{0}";type={1}"#,
            named(upload.filename()),
            upload.mime_type()
        );
        let form = fields.chain([file]).collect();
        Ok(DryRun::of(&plan, &self.shared)?.with_form(form))
    }

    fn of<T: DeserializeOwned + Send>(
        &self,
        method: Method,
        id: &str,
    ) -> impl Future<Output = Result<Answered<T>, Error>> + Send + use<T> {
        let (calls, path) = (self.clone(), Path::new(PATH).segment(id).encode());
        async move {
            let plan = calls.plan(calls.operation(method, path?))?;
            calls.carry_out(plan).await
        }
    }

    /// One that is answered at once.
    fn operation<'a>(&self, method: Method, path: impl Into<Cow<'a, str>>) -> Operation<'a> {
        let mut operation = Operation::new(method, path);
        operation.head_limit = self.shared.tuning.timers.head;
        operation
    }

    fn uploading(&self, upload: Upload) -> Result<Plan, Error> {
        let form = upload.form(|| self.shared.dice.bits())?;
        let mut operation = self.operation(Method::POST, PATH);
        let content_type = HeaderValue::try_from(form.content_type());
        let content_type = content_type.map_err(|error| {
            evenkeel_error::Error::invalid_config("content_type", "cannot be sent as a header")
                .with_source(error)
        })?;
        operation.headers.insert(CONTENT_TYPE, content_type);
        // Taking in half a gigabyte takes the server a while, too.
        operation.head_limit = self.shared.tuning.timers.plain_head;
        if self.shared.transport.stream_bodies() == StreamBodies::Supported {
            let plan = self.plan(operation)?;
            Ok(plan.streaming(upload.into_body(form)))
        } else {
            operation.body = upload.whole(&form)?;
            self.plan(operation)
        }
    }

    fn plan(&self, operation: Operation<'_>) -> Result<Plan, Error> {
        let repeat = Repeat::of_method(&operation.method);
        Ok(Plan::of(&self.shared, operation, PATH, &self.options)?.repeating(repeat))
    }

    fn call(&self, plan: Plan) -> Box<Call> {
        Call::new(Arc::clone(&self.shared), plan, &self.options)
    }

    async fn carry_out<T: DeserializeOwned>(&self, plan: Plan) -> Result<Answered<T>, Error> {
        let call = self.call(plan);
        call.fetch(answered::json).await.map(Answered::new)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
