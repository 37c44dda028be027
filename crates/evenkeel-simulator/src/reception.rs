//! Lets connections in, and holds them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::clock;
use crate::connection;
use crate::doorway::Doorway;

/// How long to leave the system alone when it has no more sockets to give.
const BREATHER: Duration = Duration::from_millis(10);

/// Owns every connection, so that ending this ends them all. It ends by itself when the door is closed.
pub(crate) async fn accept(doorway: Arc<Doorway>, api: Arc<Api>) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = poll_fn(|cx| doorway.poll_accept(cx)).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                connections.spawn(served(stream, Arc::clone(&api)));
            }
            Err(_) => clock::sleep(BREATHER).await,
        }
    }
    // Who waits for this task waits for them.
    connections.shutdown().await;
}

/// Boxed, because a connection may lead to a trap, which lets connections in.
fn served(stream: TcpStream, api: Arc<Api>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(connection::serve(stream, api))
}
