//! The port: open, refusing, or closed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::scenario::Listening;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A port on loopback that its owner can close from outside the task that accepts.
#[derive(Debug)]
pub(crate) struct Doorway {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Open(TcpListener),
    /// Bound and never listening: the port is ours, and refuses.
    Refusing {
        _socket: TcpSocket,
    },
    Closed,
}

impl Doorway {
    /// Takes a port on 127.0.0.1; 0 is any free one.
    pub(crate) fn open(port: u16, listening: Listening) -> io::Result<(Self, u16)> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let fault = |error: io::Error| explained(&error, address);
        let socket = TcpSocket::new_v4().map_err(fault)?;
        // On Windows the same option would let another program take the port from us.
        if cfg!(not(windows)) && port != 0 {
            socket.set_reuseaddr(true).map_err(fault)?;
        }
        socket.bind(address).map_err(fault)?;
        let port = socket.local_addr().map_err(fault)?.port();
        let state = match listening {
            Listening::Yes => State::Open(socket.listen(BACKLOG).map_err(fault)?),
            Listening::Refused => State::Refusing { _socket: socket },
        };
        Ok((
            Self {
                state: Mutex::new(state),
            },
            port,
        ))
    }

    /// The next connection; none when there will be no more.
    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        match &*self.lock() {
            State::Open(listener) => listener
                .poll_accept(cx)
                .map(|accepted| Some(accepted.map(|(stream, _)| stream))),
            State::Refusing { .. } | State::Closed => Poll::Ready(None),
        }
    }

    /// Gives the port back at once.
    pub(crate) fn close(&self) {
        *self.lock() = State::Closed;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What, where, and what to do about it, in one line.
fn explained(error: &io::Error, address: SocketAddr) -> io::Error {
    let said = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is already in use: choose another port, or 0 for any free one")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "no permission to listen on {address}: choose a port above 1023, or 0 for any free one"
            )
        }
        _ => format!(
            "cannot listen on {address} ({error}): choose another port, or 0 for any free one"
        ),
    };
    io::Error::new(error.kind(), said)
}
