//! One request: read, entered in the journal, decided on, answered.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};

use crate::api::{Api, LARGEST_BODY, Upload};
use crate::body::ReplyBody;
use crate::clock;
use crate::entry::Ending;
use crate::journal::Ticket;
use crate::line::{Control, Strike};
use crate::meter::{Coding, Meter};
use crate::plan::{Answer, Finish, Framing, Outcome};

const JOURNAL: &str = "/_simulator/journal";

/// Answers one request, or ends its connection.
pub(crate) async fn answer(
    api: Arc<Api>,
    control: Arc<Control>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    if head.uri.path() == JOURNAL {
        return Ok(journal(&api, &head));
    }
    let ticket = api.journal.open(&head);
    let upload = receive(&mut body).await?;
    ticket.body(&upload.bytes, upload.total);
    let plan = api.decide(&head, &upload, ticket.number());
    drop(upload);
    if !plan.head_pause.is_zero() {
        clock::sleep(plan.head_pause).await;
    }
    match plan.outcome {
        Outcome::Answer(answer) => Ok(respond(answer, ticket, control, head.version)),
        Outcome::Hangup(fault) => {
            ticket.close(Ending::Cut, 0);
            control.strike(Strike {
                fault,
                pause: Duration::ZERO,
            });
            pending().await
        }
    }
}

/// Reads a whole body. What is over the limit is read too, so that the client gets as far as
/// reading the refusal, but not kept.
async fn receive(body: &mut Incoming) -> Result<Upload, hyper::Error> {
    let mut upload = Upload::default();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        upload.total += data.len() as u64;
        if upload.total <= LARGEST_BODY {
            upload.bytes.extend_from_slice(&data);
        }
    }
    Ok(upload)
}

fn respond(
    answer: Answer,
    ticket: Ticket,
    control: Arc<Control>,
    version: Version,
) -> Response<ReplyBody> {
    ticket.answered(answer.status, answer.request_id.clone());
    if let Finish::CutWire {
        after,
        pause,
        fault,
    } = answer.finish
    {
        let chunked = answer.framing == Framing::Chunks && version >= Version::HTTP_11;
        let coding = if chunked {
            Coding::Chunked
        } else {
            Coding::Identity
        };
        control.arm(Meter::new(after, coding), Strike { fault, pause });
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    if StatusCode::from_u16(answer.status).is_ok_and(|status| status.canonical_reason().is_none()) {
        // Left alone, hyper would call a 529 `<none>`.
        response = response.extension(ReasonPhrase::from_static(b""));
    }
    let body = ReplyBody::new(answer, ticket, control);
    // Scripts are checked before the start, so this cannot fail; if it did, the client should see
    // it rather than the process.
    response
        .body(body)
        .unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()))
}

fn journal(api: &Api, head: &Parts) -> Response<ReplyBody> {
    if head.method != Method::GET {
        return bare(
            StatusCode::METHOD_NOT_ALLOWED,
            Bytes::from_static(b"GET only\n"),
        );
    }
    bare(StatusCode::OK, api.journal.json().into())
}

fn bare(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::plain(body));
    *response.status_mut() = status;
    if status == StatusCode::OK {
        let json = hyper::header::HeaderValue::from_static("application/json");
        response
            .headers_mut()
            .insert(hyper::header::CONTENT_TYPE, json);
    }
    response
}
