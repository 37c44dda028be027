//! One request: read, entered in the journal, decided on, answered.

use std::error::Error;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};

use crate::api::{Api, Role, Upload, Visit, largest_body};
use crate::backstage::{self, BACKSTAGE, plain};
use crate::body::{Coverage, ReplyBody};
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
        return Ok(backstage::answer(&api, &head, &upload));
    }
    let before = control.count(head.version);
    let ticket = api.journal.open(&head, control.connection(), before);
    let upload = receive(&mut body, limit).await?;
    ticket.body(&upload.bytes, upload.total);
    let visit = Visit {
        number: ticket.number(),
        before,
    };
    let decision = api.decide(&head, &upload, visit);
    drop(upload);
    ticket.remark(decision.takes_for_whole, decision.pool);
    let waiting = Waiting {
        ticket: Some(ticket),
        control: Arc::clone(&control),
        before,
    };
    let (outcome, turn) = decision.due().await;
    let Some(mut ticket) = waiting.over() else {
        return Err("the connection has ended".into());
    };
    ticket.hold(turn);
    match outcome {
        Outcome::Answer(answer) => Ok(respond(answer, ticket, control, &head, before)),
        Outcome::Verbatim(bytes) => {
            ticket.close(Ending::Cut, bytes.len() as u64);
            let strike = Strike {
                fault: Fault::Close,
                pause: Duration::ZERO,
                before,
            };
            control.strike_after(bytes, strike);
            pending().await
        }
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
                before,
            });
            pending().await
        }
    }
}

/// A request whose reply has not begun. Should its connection be ended because of another, that was
/// not its client.
struct Waiting {
    ticket: Option<Ticket>,
    control: Arc<Control>,
    before: u64,
}

impl Waiting {
    fn over(mut self) -> Option<Ticket> {
        self.ticket.take()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (Some(ticket), Some(strike)) = (self.ticket.take(), self.control.struck()) else {
            return;
        };
        let returned = strike.fault == Fault::GoAway && self.before >= strike.before;
        ticket.close(
            if returned {
                Ending::Returned
            } else {
                Ending::Cut
            },
            0,
        );
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
    mut ticket: Ticket,
    control: Arc<Control>,
    head: &Parts,
    before: u64,
) -> Response<ReplyBody> {
    let version = head.version;
    let coverage = Coverage::of(&head.method, answer.status);
    ticket.answered(&answer);
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
        let strike = Strike {
            fault,
            pause,
            before,
        };
        let after = match coverage {
            Coverage::Whole => after,
            Coverage::Head => 0,
        };
        control.arm(Meter::new(after, coding), strike);
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    if StatusCode::from_u16(answer.status).is_ok_and(|status| status.canonical_reason().is_none()) {
        // Left alone, hyper would call a 529 `<none>`.
        response = response.extension(ReasonPhrase::from_static(b""));
    }
    let body = ReplyBody::new(answer, ticket, control, version, coverage);
    // Scripts are checked before the start, so this cannot fail; if it did, the client should see
    // it rather than the process.
    response
        .body(body)
        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()))
}
