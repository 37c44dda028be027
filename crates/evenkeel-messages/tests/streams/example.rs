//! The example runs, and is as short as it says.

#[path = "../../examples/own_transport.rs"]
mod own_transport;

#[test]
fn a_transport_written_by_hand_drives_a_stream_in_40_lines() {
    own_transport::main().expect("a message");
    let source = include_str!("../../examples/own_transport.rs");
    assert!(source.lines().count() <= 40);
}
