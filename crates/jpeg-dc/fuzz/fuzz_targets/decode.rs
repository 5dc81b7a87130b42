//! Any bytes: decoding gives an answer, and does not depend on what was read of the file beyond
//! the prefix that is needed.
#![no_main]

use jpeg_dc::{Chroma, Options, Prefix, Scale, decode, decode_progressive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let options = Options::new();
    let prefix = Prefix::new(options).find(data);
    let whole = decode(data, &options);
    if let (Ok(image), Ok(Some(length))) = (&whole, prefix) {
        assert_eq!(image, &decode(&data[..length], &options).unwrap());
    }
    if let Ok(image) = &whole {
        assert_eq!(image.to_rgb().len(), image.width * image.height * 3);
        assert_eq!(image.to_gray().len(), image.width * image.height);
    }
    for scale in [Scale::Full, Scale::Half, Scale::Quarter] {
        if let Ok(image) = decode_progressive(data, scale, &options) {
            assert_eq!(image.to_rgb().len(), image.width * image.height * 3);
        }
    }
    // With fewer scans needed, a file may be good enough; never the other way round.
    match (decode(data, &options.chroma(Chroma::Dc)), whole) {
        (Ok(low), Ok(image)) => assert_eq!(low.to_gray().len(), image.to_gray().len()),
        (Ok(_), Err(_)) | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("with DC alone: {error}"),
    }
});
