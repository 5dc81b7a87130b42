//! A JPEG as it is stored: luma and two differences of colour, each at a resolution of its own.

use jpeg_dc::Plane;
use raster::Size;
use turbojpeg::{Colorspace, Subsamp, YuvImage};

use super::Wanted;
use super::jpeg::{self, Prepared};
use super::jpeg_planes;

/// Luma, the difference of blue and that of red.
pub struct Components {
    /// The size of the picture, which is that of luma.
    pub size: Size,
    parts: [Part; 3],
    buffers: Vec<Vec<u8>>,
}

/// One of the components: a byte a sample, rows without padding.
pub struct Component<'a> {
    /// The samples.
    pub samples: &'a [u8],
    /// How many there are, across and down.
    pub size: Size,
    /// How many pixels of the picture one of them covers, across and down.
    pub covers: (u32, u32),
}

struct Part {
    buffer: usize,
    start: usize,
    size: Size,
    covers: (u32, u32),
}

impl Components {
    /// From planes that follow one another in `samples`: their sizes, and what a sample covers.
    fn in_a_row(size: Size, samples: Vec<u8>, planes: [(Size, (u32, u32)); 3]) -> Self {
        let mut next = 0;
        let parts = planes.map(|(size, covers)| {
            let start = next;
            next += size.width as usize * size.height as usize;
            Part { buffer: 0, start, size, covers }
        });
        Self { size, parts, buffers: vec![samples] }
    }

    /// From planes of their own, the first of which is luma.
    pub(super) fn from_planes(size: (usize, usize), planes: Vec<Plane>) -> Option<Self> {
        let mut parts = Vec::with_capacity(planes.len());
        let mut buffers = Vec::with_capacity(planes.len());
        for (buffer, plane) in planes.into_iter().enumerate() {
            let size = (plane.width, plane.height).try_into().ok()?;
            let covers = (plane.scale.0.try_into().ok()?, plane.scale.1.try_into().ok()?);
            parts.push(Part { buffer, start: 0, size, covers });
            buffers.push(if plane.stride == plane.width {
                plane.data
            } else {
                plane.rows().collect::<Vec<_>>().concat()
            });
        }
        Some(Self { size: size.try_into().ok()?, parts: parts.try_into().ok()?, buffers })
    }

    /// Luma first.
    #[must_use]
    pub fn each(&self) -> [Component<'_>; 3] {
        self.parts.each_ref().map(|part| Component {
            samples: self.samples(part).unwrap_or_default(),
            size: part.size,
            covers: part.covers,
        })
    }

    fn samples(&self, part: &Part) -> Option<&[u8]> {
        let length = part.size.width as usize * part.size.height as usize;
        self.buffers.get(part.buffer)?.get(part.start..)?.get(..length)
    }
}

/// Decode a JPEG of these usual kinds; `None` when it is of another one, or damaged.
pub(super) fn decode(source: &[u8], full: Size, wanted: Wanted) -> Option<Components> {
    if !jpeg::has_three_components(source) {
        return None;
    }
    let scaling = jpeg::scaling(full, wanted.size);
    if let Some(components) = jpeg_planes::components(source, scaling, wanted) {
        return Some(components);
    }
    if wanted.is_start {
        return None;
    }
    let Prepared { mut decoder, source, found } = jpeg::prepare(source, scaling).ok()?;
    if found.colorspace != Colorspace::YCbCr {
        return None;
    }
    let covers = match found.subsamp {
        Subsamp::None => (1, 1),
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub2x2 => (2, 2),
        _ => return None,
    };
    let found = found.scaled(scaling);
    let image = YuvImage {
        pixels: (),
        width: found.width,
        align: 1,
        height: found.height,
        subsamp: found.subsamp,
    };
    let (stored, chroma) = (image.y_size(), image.uv_size());
    let mut samples = vec![0; stored.0 * stored.1 + 2 * chroma.0 * chroma.1];
    let image = YuvImage {
        pixels: samples.as_mut_slice(),
        width: image.width,
        align: image.align,
        height: image.height,
        subsamp: image.subsamp,
    };
    decoder.decompress_to_yuv(&source, image).ok()?;
    let size = (found.width, found.height);
    crop(&mut samples, stored, size);
    let (luma, chroma) = (size.try_into().ok()?, chroma.try_into().ok()?);
    Some(Components::in_a_row(luma, samples, [(luma, (1, 1)), (chroma, covers), (chroma, covers)]))
}

/// Take away what the first plane of this size has beyond another size, to the right and below.
fn crop(samples: &mut Vec<u8>, stored: (usize, usize), size: (usize, usize)) {
    if stored == size {
        return;
    }
    for row in 1..size.1 {
        samples.copy_within(row * stored.0..row * stored.0 + size.0, row * size.0);
    }
    samples.drain(size.0 * size.1..stored.0 * stored.1);
}
