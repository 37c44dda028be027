//! The client over real sockets against the simulator: every fault of the catalogue, classified,
//! with the number of requests that the server saw. Time is divided on both sides.

mod catalogue;
mod sockets;
