//! Serves one connection to its natural or scripted end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use crate::api::Api;
use crate::clock;
use crate::line::{Control, Line, Strike};
use crate::meter::Fault;
use crate::service;

/// A reset makes the receiver's system drop what its program has not read yet (Linux spares it,
/// others do not), so the last bytes get this long to be read.
const SETTLE: Duration = Duration::from_millis(15);

/// Serves requests until the client leaves or a script ends the connection.
pub(crate) async fn serve(stream: TcpStream, api: Arc<Api>) {
    // A stream whose events wait for each other's acknowledgement would not be a stream.
    let _ = stream.set_nodelay(true);
    let control = Arc::new(Control::default());
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
        end(
            connection.into_parts().io.into_inner().into_stream(),
            strike,
        )
        .await;
    }
}

async fn end(mut stream: TcpStream, strike: Strike) {
    match strike.fault {
        Fault::Close => {
            clock::sleep(strike.pause).await;
            let _ = poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await;
        }
        Fault::Reset => {
            clock::sleep(strike.pause.max(SETTLE)).await;
            let _ = stream.set_zero_linger();
        }
    }
}
