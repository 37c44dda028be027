//! Ids with the looks of the real ones.

use crate::dice::Dice;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// `req_011C…`, as in the header `request-id` and in error bodies.
pub(crate) fn request_id(dice: &mut Dice) -> String {
    letters("req_011C", 20, BASE58, dice)
}

/// `msg_01…`, the id of a message.
pub(crate) fn message_id(dice: &mut Dice) -> String {
    letters("msg_01", 22, BASE58, dice)
}

/// `toolu_01…`, the id of a tool call.
pub(crate) fn tool_use_id(dice: &mut Dice) -> String {
    letters("toolu_01", 22, BASE58, dice)
}

/// `srvtoolu_01…`, the id of a tool call on the server.
pub(crate) fn server_tool_use_id(dice: &mut Dice) -> String {
    letters("srvtoolu_01", 22, BASE58, dice)
}

/// `msgbatch_01…`, the id of a batch.
pub(crate) fn batch_id(dice: &mut Dice) -> String {
    letters("msgbatch_01", 22, BASE58, dice)
}

/// `wrkspc_01…`, the id of a workspace.
pub(crate) fn workspace_id(dice: &mut Dice) -> String {
    letters("wrkspc_01", 22, BASE58, dice)
}

/// What only the API can read: signatures and encrypted content.
pub(crate) fn opaque(length: usize, dice: &mut Dice) -> String {
    letters("Eu", length, BASE58, dice) + "=="
}

/// A `cf-ray`, which is how the edge names a request.
pub(crate) fn ray_id(dice: &mut Dice) -> String {
    letters("", 16, HEX, dice) + "-FRA"
}

/// A UUID (version 4), which is the form of organization ids.
pub(crate) fn uuid(dice: &mut Dice) -> String {
    let (high, low) = (dice.roll(), dice.roll());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff,
    )
}

fn letters(prefix: &str, count: usize, alphabet: &[u8], dice: &mut Dice) -> String {
    let mut id = String::with_capacity(prefix.len() + count);
    id.push_str(prefix);
    for _ in 0..count {
        let pick = dice.throw(alphabet.len() as u64) - 1;
        let letter = usize::try_from(pick)
            .ok()
            .and_then(|pick| alphabet.get(pick));
        id.push(char::from(letter.copied().unwrap_or(b'1')));
    }
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_repeat_for_the_same_seed_and_number_and_differ_otherwise() {
        assert_eq!(
            request_id(&mut Dice::new(7, 3)),
            request_id(&mut Dice::new(7, 3))
        );
        let ids: HashSet<_> = (0..20)
            .flat_map(|seed| (0..500).map(move |number| request_id(&mut Dice::new(seed, number))))
            .collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn ids_look_like_the_real_ones() {
        let mut dice = Dice::new(0, 1);
        let id = request_id(&mut dice);
        assert!(id.starts_with("req_011C") && id.len() == 28, "{id}");
        let id = message_id(&mut dice);
        assert!(id.starts_with("msg_01") && id.len() == 28, "{id}");
        let id = uuid(&mut dice);
        assert_eq!(id.len(), 36, "{id}");
        assert_eq!(
            id.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
    }
}
