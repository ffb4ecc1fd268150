//! What a byte can be, looked up in one table.

/// Ends a scalar without quotes in a block, or may: a line break, a colon, a hash.
pub(super) const BLOCK_STOP: u8 = 1;
/// The same in a flow collection.
pub(super) const FLOW_STOP: u8 = 2;
/// Ends a run within double quotes.
pub(super) const DOUBLE_STOP: u8 = 4;
/// Ends a run within single quotes.
pub(super) const SINGLE_STOP: u8 = 8;
/// May be the first byte of a scalar without quotes, whatever follows.
pub(super) const PLAIN_START: u8 = 16;
/// White space, a line break, or the end.
const SPACE: u8 = 32;
/// An indicator of flow collections.
const FLOW: u8 = 64;

const fn class(byte: u8) -> u8 {
    let stops = match byte {
        b'\n' => BLOCK_STOP | FLOW_STOP | DOUBLE_STOP | SINGLE_STOP,
        b':' | b'#' => BLOCK_STOP | FLOW_STOP,
        b',' | b'[' | b']' | b'{' | b'}' => FLOW_STOP | FLOW,
        b'"' | b'\\' => DOUBLE_STOP,
        b'\'' => SINGLE_STOP,
        _ => 0,
    };
    let start = match byte {
        0..=b' '
        | 0x7f
        | b'-'
        | b'?'
        | b':'
        | b','
        | b'['
        | b']'
        | b'{'
        | b'}'
        | b'#'
        | b'&'
        | b'*'
        | b'!'
        | b'|'
        | b'>'
        | b'\''
        | b'"'
        | b'%'
        | b'@'
        | b'`' => 0,
        _ => PLAIN_START,
    };
    let space = match byte {
        0 | b' ' | b'\t' | b'\n' | b'\r' => SPACE,
        _ => 0,
    };
    stops | start | space
}

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "the compiler does it, and every byte is an index")]
        {
            classes[byte as usize] = class(byte);
        }
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};

#[inline]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// Whether it is white space, a line break, or the end.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    is(byte, SPACE)
}

/// Whether it is an indicator of flow collections.
#[inline]
pub(super) fn is_flow(byte: u8) -> bool {
    is(byte, FLOW)
}

/// Bytes up to the colon of a key; the general parser gives up looking for it after as many characters.
pub(super) const LONGEST_KEY: usize = 1_024;
