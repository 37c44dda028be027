//! Serves one connection to its natural or scripted end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::Poll;
use std::time::Duration;

use bytes::Buf;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use crate::api::Api;
use crate::clock;
use crate::line::{Control, Line, Strike};
use crate::meter::Fault;
use crate::service;
use crate::tasks::Tasks;

/// A reset makes the receiver's system drop what its program has not read yet (Linux spares it,
/// others do not), so the last bytes get this long to be read.
pub(crate) const SETTLE: Duration = Duration::from_millis(15);
/// How long to wait for the rest of what may be the beginning of HTTP/2.
const GLANCE: Duration = Duration::from_millis(1);
/// How often; after that it is what it is.
const GLANCES: u32 = 1_000;
/// How a client that knows HTTP/2 without asking begins.
const PREFACE: &[u8; 4] = b"PRI ";

/// How a client begins that wants TLS: a handshake record of version 3.
const TLS: &[u8] = &[0x16, 3];
/// One line is enough, however often it tries.
static TOLD: Once = Once::new();

#[expect(
    clippy::print_stderr,
    reason = "the client shows an error of TLS, which says nothing of a wrong scheme"
)]
fn tell_of_tls() {
    eprintln!("somebody spoke TLS; this port speaks http:// only");
}

/// Serves requests until the client leaves or a script ends the connection.
pub(crate) async fn serve(stream: TcpStream, api: Arc<Api>) {
    // A stream whose events wait for each other's acknowledgement would not be a stream.
    let _ = stream.set_nodelay(true);
    let control = Arc::new(Control::new(api.connection()));
    match speaks_http2(&stream).await {
        Ok(true) => serve_http2(stream, api, control).await,
        Ok(false) => serve_http1(stream, api, control).await,
        // It has left without a word.
        Err(_) => {}
    }
}

async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; PREFACE.len()];
    for _ in 0..GLANCES {
        let seen = stream.peek(&mut start).await?;
        if start
            .get(..seen)
            .is_some_and(|start| start.starts_with(TLS))
        {
            TOLD.call_once(tell_of_tls);
        }
        match start.get(..seen) {
            Some(start) if start == PREFACE => return Ok(true),
            Some(start) if !start.is_empty() && PREFACE.starts_with(start) => {
                clock::sleep(GLANCE).await;
            }
            _ => break,
        }
    }
    Ok(false)
}

async fn serve_http1(stream: TcpStream, api: Arc<Api>, control: Arc<Control>) {
    let line = Line::new(stream, Arc::clone(&control));
    let service = {
        let control = Arc::clone(&control);
        service_fn(move |request| service::answer(Arc::clone(&api), Arc::clone(&control), request))
    };
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(line), service);
    // Strikes happen while the connection is polled, so looking right after misses none.
    let strike = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(_) => Poll::Ready(control.struck()),
        Poll::Pending => control
            .struck()
            .map_or(Poll::Pending, |strike| Poll::Ready(Some(strike))),
    })
    .await;
    if let Some(strike) = strike {
        let stream = connection.into_parts().io.into_inner().into_stream();
        end(stream, strike, &control).await;
    }
}

async fn serve_http2(stream: TcpStream, api: Arc<Api>, control: Arc<Control>) {
    // Its connection does not give the socket back, so the end of it is made on a second handle.
    let Ok((stream, handle)) = twice(stream) else {
        return;
    };
    let line = Line::new(stream, Arc::clone(&control));
    let service = {
        let control = Arc::clone(&control);
        service_fn(move |request| service::answer(Arc::clone(&api), Arc::clone(&control), request))
    };
    let mut connection = http2::Builder::new(Tasks::default())
        .auto_date_header(false)
        .serve_connection(TokioIo::new(line), service);
    let strike = poll_fn(|cx| {
        // The streams are tasks of their own: a strike there wakes this.
        control.watch(cx.waker());
        match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(_) => Poll::Ready(control.struck()),
            Poll::Pending => control
                .struck()
                .map_or(Poll::Pending, |strike| Poll::Ready(Some(strike))),
        }
    })
    .await;
    if let Some(strike) = strike {
        drop(connection);
        end(handle, strike, &control).await;
    }
}

fn twice(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let handle = TcpStream::from_std(stream.try_clone()?)?;
    Ok((TcpStream::from_std(stream)?, handle))
}

/// How long a connection lies still before its end.
pub(crate) fn lull(fault: Fault, pause: Duration) -> Duration {
    match fault {
        Fault::Reset => pause.max(SETTLE),
        Fault::Close | Fault::GoAway | Fault::RefusedStream => pause,
    }
}

async fn end(mut stream: TcpStream, strike: Strike, control: &Control) {
    clock::sleep(lull(strike.fault, strike.pause)).await;
    let mut words = control.last_words();
    while !words.is_empty() {
        match poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, &words)).await {
            Ok(written) => words.advance(written),
            Err(_) => return,
        }
    }
    match strike.fault {
        Fault::GoAway if control.is_http2() => {
            let frame = go_away(strike.before);
            // A frame this small goes out whole or not at all.
            let _ = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, &frame)).await;
            let _ = poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await;
        }
        Fault::Close | Fault::GoAway | Fault::RefusedStream => {
            let _ = poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await;
        }
        Fault::Reset => {
            let _ = stream.set_zero_linger();
        }
    }
}

/// `GOAWAY` without an error, which names the last of the requests before as the last that was taken
/// on: clients number their streams 1, 3, 5, …
fn go_away(before: u64) -> [u8; 17] {
    let before = u32::try_from(before).unwrap_or(u32::MAX);
    let last = before
        .saturating_mul(2)
        .saturating_sub(u32::from(before > 0));
    let [a, b, c, d] = (last & 0x7fff_ffff).to_be_bytes();
    [0, 0, 8, 7, 0, 0, 0, 0, 0, a, b, c, d, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_away_names_the_request_before_the_one_it_turns_away() {
        for (before, last) in [(0, 0), (1, 1), (2, 3), (3, 5)] {
            assert_eq!(go_away(before)[9..13], [0, 0, 0, last]);
        }
    }
}
