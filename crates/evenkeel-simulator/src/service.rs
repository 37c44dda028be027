//! One request: read, entered in the journal, decided on, answered.

use std::error::Error;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::{Request, Response, StatusCode, Version};

use crate::api::{Api, Role, Upload, Visit, largest_body};
use crate::backstage::{self, BACKSTAGE, plain};
use crate::body::ReplyBody;
use crate::entry::Ending;
use crate::journal::Ticket;
use crate::line::{Control, Strike};
use crate::meter::{Coding, Fault, Meter};
use crate::plan::{Answer, Finish, Framing, Outcome};

/// Why a request gets no answer: the connection has failed, or the script will have it so.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Answers one request, or ends its connection.
pub(crate) async fn answer(
    api: Arc<Api>,
    control: Arc<Control>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Failure> {
    let (head, mut body) = request.into_parts();
    let limit = largest_body(head.uri.path());
    if api.role() == Role::Api && head.uri.path().starts_with(BACKSTAGE) {
        let upload = receive(&mut body, limit).await?;
        return Ok(backstage::answer(&api, &head, &upload.bytes));
    }
    let before = control.count(head.version);
    let mut ticket = api.journal.open(&head, control.connection());
    let upload = receive(&mut body, limit).await?;
    ticket.body(&upload.bytes, upload.total);
    let visit = Visit {
        number: ticket.number(),
        before,
    };
    let decision = api.decide(&head, &upload, visit);
    drop(upload);
    ticket.remark(decision.takes_for_whole);
    let (outcome, turn) = decision.due().await;
    ticket.hold(turn);
    match outcome {
        Outcome::Answer(answer) => Ok(respond(answer, ticket, control, head.version)),
        Outcome::Hangup(fault) => {
            let returned = head.version == Version::HTTP_2
                && matches!(fault, Fault::GoAway | Fault::RefusedStream);
            ticket.close(
                if returned {
                    Ending::Returned
                } else {
                    Ending::Cut
                },
                0,
            );
            if returned && fault == Fault::RefusedStream {
                return Err(h2::Error::from(h2::Reason::REFUSED_STREAM).into());
            }
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
async fn receive(body: &mut Incoming, limit: u64) -> Result<Upload, hyper::Error> {
    let mut upload = Upload::default();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        upload.total += data.len() as u64;
        if upload.total <= limit {
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
    ticket.answered(answer.status, answer.request_id.clone(), answer.remarks);
    if let Finish::CutWire {
        after,
        pause,
        fault,
    } = answer.finish
        && version != Version::HTTP_2
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
    let body = ReplyBody::new(answer, ticket, control, version);
    // Scripts are checked before the start, so this cannot fail; if it did, the client should see
    // it rather than the process.
    response
        .body(body)
        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()))
}
