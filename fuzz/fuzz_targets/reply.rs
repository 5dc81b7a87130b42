//! The reader of a worker's replies handles any bytes. It accepts only one encoding of each reply,
//! no matter in which pieces the reply arrives.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xaccel::sandbox::messages::ReplyReader;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, message) = input;
    let mut whole = ReplyReader::default();
    let whole = whole.read(message);
    if let Ok(Some(reply)) = whole {
        let head = reply.head().expect("a reply of a valid length");
        assert_eq!([&head[..], reply.body()].concat(), message);
    }
    let mut reader = ReplyReader::default();
    let mut pieces = message.chunks(usize::from(size) + 1).peekable();
    while let Some(piece) = pieces.next() {
        match reader.read(piece) {
            Ok(None) => {}
            // A byte after the end of a reply is an error only if it arrives with the reply.
            Ok(Some(reply)) if pieces.peek().is_none() => assert_eq!(Ok(Some(reply)), whole),
            Ok(Some(_)) => break,
            Err(_) => {
                assert!(whole.is_err());
                break;
            }
        }
    }
});
