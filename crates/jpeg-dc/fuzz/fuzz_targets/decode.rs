//! No input crashes the decoder, and the result does not depend on the bytes after the required
//! prefix.
#![no_main]

use jpeg_dc::{Chroma, Options, Prefix, Scale, Strips, Tiles, decode, decode_scaled};
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
    if let Ok(tiles) = Tiles::find(data, &options, &|| false) {
        let (across, down) = tiles.count();
        assert_eq!(tiles.differing((0, 0), 10).unwrap().len(), across * down);
        tiles.cut(0..across / 2 + 1, down / 2..down).unwrap();
    }
    let chroma = options.chroma_scale(Scale::Eighth);
    let _ = decode_scaled(data, Scale::Quarter, &chroma);
    for scale in Scale::ALL {
        let image = decode_scaled(data, scale, &options);
        let measured = decode_scaled(data, scale, &options.variances(3));
        // Variances may need coefficients that the samples do not need.
        assert!(image.is_ok() || measured.is_err());
        if let Ok(image) = &image {
            assert_eq!(image.to_rgb().len(), image.width * image.height * 3);
        }
        let Ok(strips) = Strips::new(data, scale, &options) else { continue };
        let (mut one, mut two, mut three) = (Vec::new(), Vec::new(), Vec::new());
        let sinks: [&mut dyn FnMut(&[u8]); 3] = [
            &mut |rows| one.extend_from_slice(rows),
            &mut |rows| two.extend_from_slice(rows),
            &mut |rows| three.extend_from_slice(rows),
        ];
        let read = strips.read(sinks, &|| false);
        assert_eq!(read.is_ok(), image.is_ok());
        if let Ok(image) = &image {
            for (plane, samples) in image.planes.iter().zip([one, two, three]) {
                assert!(plane.rows().flatten().eq(&samples));
            }
        }
    }
    // A file may lack scans that only full chroma needs. A file that decodes with full chroma must
    // also decode with DC alone.
    match (decode(data, &options.chroma(Chroma::Dc)), whole) {
        (Ok(low), Ok(image)) => assert_eq!(low.to_gray().len(), image.to_gray().len()),
        (Ok(_), Err(_)) | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("with DC alone: {error}"),
    }
});
