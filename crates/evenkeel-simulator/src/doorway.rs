//! The port: open, refusing, or closed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::scenario::Listening;

/// Where a simulator listens unless told otherwise.
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A port on loopback that its owner can close from outside the task that accepts.
#[derive(Debug)]
pub(crate) struct Doorway {
    address: SocketAddr,
    state: Mutex<State>,
    waiting: Mutex<Option<Waker>>,
}

#[derive(Debug)]
enum State {
    Open(TcpListener),
    /// Bound and never listening: the port is ours, and refuses.
    Refusing {
        socket: TcpSocket,
    },
    /// Somebody else took the port while it was neither the one nor the other.
    Lost,
    Closed,
}

impl Doorway {
    /// Takes a port of this address; 0 is any free one.
    pub(crate) fn open(
        address: IpAddr,
        port: u16,
        listening: Listening,
    ) -> io::Result<(Self, u16)> {
        let address = SocketAddr::from((address, port));
        let fault = |error: io::Error| explained(&error, address);
        let socket = bound(address).map_err(fault)?;
        let port = socket.local_addr().map_err(fault)?.port();
        let state = match listening {
            Listening::Yes => State::Open(listener(socket).map_err(fault)?),
            Listening::Refused => State::Refusing { socket },
        };
        Ok((
            Self {
                address: SocketAddr::from((address.ip(), port)),
                state: Mutex::new(state),
                waiting: Mutex::default(),
            },
            port,
        ))
    }

    /// The next connection; none when there will be no more.
    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        match &*self.lock() {
            State::Open(listener) => {
                *self.waiting() = Some(cx.waker().clone());
                listener
                    .poll_accept(cx)
                    .map(|accepted| Some(accepted.map(|(stream, _)| stream)))
            }
            State::Refusing { .. } | State::Lost => {
                *self.waiting() = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Closed => Poll::Ready(None),
        }
    }

    /// Listens, or refuses connections, from now on.
    pub(crate) fn set(&self, listening: Listening) {
        let mut state = self.lock();
        *state = match (std::mem::replace(&mut *state, State::Closed), listening) {
            (State::Open(listener), Listening::Refused) => {
                // The listener goes first: two cannot hold the port.
                drop(listener);
                self.refusing()
            }
            (State::Lost, Listening::Refused) => self.refusing(),
            (State::Refusing { socket }, Listening::Yes) => opened(listener(socket)),
            (State::Lost, Listening::Yes) => opened(bound(self.address).and_then(listener)),
            (as_it_is, _) => as_it_is,
        };
        drop(state);
        self.wake();
    }

    fn refusing(&self) -> State {
        bound(self.address).map_or(State::Lost, |socket| State::Refusing { socket })
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting().take() {
            waker.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the port back at once; there are no more connections.
    pub(crate) fn close(&self) {
        *self.lock() = State::Closed;
        self.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opened(listener: io::Result<TcpListener>) -> State {
    listener.map_or(State::Lost, State::Open)
}

/// Listens at a port that was taken before.
fn listener(socket: TcpSocket) -> io::Result<TcpListener> {
    // After the bind, so that it takes nobody's port, and before connections, which then do not keep
    // the port from being taken again.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.listen(BACKLOG)
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // On Windows the same option would let another program take the port from us.
    if cfg!(not(windows)) && address.port() != 0 {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    Ok(socket)
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
