use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use raster::{Picture, Size};

use super::super::super::limits::Limits;
use super::super::{DecodeRequest, Source, open};
use super::{Fonts, Svg};
use crate::error::ThumbnailError;

fn file(content: &str) -> Vec<u8> {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         width='20' height='10'>{content}</svg>"
    )
    .into_bytes()
}

fn drawn_at(source: &[u8], size: Size) -> Result<Picture, ThumbnailError> {
    let mut source = Svg::open(source)?;
    source.set_fonts(&Fonts::SYSTEM)?;
    source.draw(size, &Limits::default(), &|| false)
}

fn drawn(content: &str) -> Result<Picture, ThumbnailError> {
    drawn_at(&file(content), Size { width: 40, height: 20 })
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 4] {
    let start = (y * picture.width as usize + x) * 4;
    picture.data[start..start + 4].try_into().unwrap()
}

const RED: [u8; 4] = [255, 0, 0, 255];
const NOTHING: [u8; 4] = [0; 4];

#[test]
fn draws_at_the_size_of_the_thumbnail() {
    let source = file("<rect width='10' height='10' fill='red'/>");
    let limits = Limits::default();
    assert_eq!(open(&*source, &limits).unwrap().header().size, Size { width: 20, height: 10 });
    for size in [Size { width: 2000, height: 1000 }, Size { width: 20, height: 10 }] {
        let picture = drawn_at(&source, size).unwrap();
        assert_eq!(picture.size(), size);
        let (width, height) = (size.width as usize, size.height as usize);
        assert_eq!(pixel(&picture, width / 2 - 1, height - 1), RED);
        assert_eq!(pixel(&picture, width / 2, 0), NOTHING);
    }
}

#[test]
fn a_half_transparent_colour_is_not_premultiplied() {
    let picture = drawn("<rect width='20' height='10' fill='#f08000' opacity='.5'/>").unwrap();
    let [red, green, blue, alpha] = pixel(&picture, 5, 5);
    assert!(red >= 238 && (126..=130).contains(&green) && blue == 0, "{red} {green} {blue}");
    assert!((127..=128).contains(&alpha));
}

#[test]
fn elements_keep_the_transforms_of_their_groups() {
    let moved = "<g transform='translate(10 0)'><g transform='scale(2)'>\
                 <rect x='1' y='1' width='3' height='3' fill='red'/>\
                 <g opacity='.99'><rect x='1' y='1' width='3' height='3' fill='red'/></g></g></g>";
    let picture = drawn(moved).unwrap();
    assert_eq!(pixel(&picture, 24, 4), RED);
    assert_eq!(pixel(&picture, 35, 15), RED);
    assert_eq!(pixel(&picture, 23, 4), NOTHING);
    assert_eq!(pixel(&picture, 36, 15), NOTHING);
}

#[test]
fn horizontal_and_vertical_lines_are_drawn() {
    let gradient = "<linearGradient id='l' gradientUnits='userSpaceOnUse' x2='20'>\
                    <stop stop-color='red'/><stop offset='1' stop-color='red'/></linearGradient>\
                    <radialGradient id='r' gradientUnits='userSpaceOnUse' r='20'>\
                    <stop stop-color='red'/><stop offset='1' stop-color='red'/></radialGradient>";
    for stroke in ["red", "url(#l)", "url(#r)"] {
        for shape in ["<path d='M2 5H18' ", "<path d='M10 0V9' ", "<line x1='18' y1='5' y2='5' "] {
            let line = format!("{shape} stroke='{stroke}' stroke-width='2'/>");
            let inner = format!("<g transform='translate(5 5)'>{}</g>", line.replace('5', "0"));
            for (content, x, y) in [(&line, 20, 10), (&inner, 30, 11)] {
                let picture = drawn(&format!("{gradient}{content}")).unwrap();
                assert_eq!(pixel(&picture, x, y), RED, "{content}");
                assert_eq!(pixel(&picture, 1, 1), NOTHING, "{content}");
            }
        }
    }
    let pattern = "<pattern id='p' patternUnits='userSpaceOnUse' x='1' y='2' width='4' height='3' \
                   patternTransform='scale(1.5)'><path fill='red' d='M0 0H2V3H0'/>\
                   <path d='M3 0V3' stroke='lime'/></pattern>";
    for angle in [0, 90] {
        // The second line is not quite horizontal, so that it has an area.
        let [own, whole] = ["H18", "L18 5.001"].map(|end| {
            let line = format!("<path d='M2 5{end}' stroke='url(#p)' stroke-width='4'/>");
            drawn(&format!("{pattern}<g transform='rotate({angle} 10 5)'>{line}</g>")).unwrap()
        });
        let differences = own.data.iter().zip(&whole.data).map(|(one, other)| one.abs_diff(*other));
        assert!(differences.max().unwrap_or(255) <= 2, "{angle}");
        assert!(own.data.as_chunks::<4>().0.contains(&RED), "{angle}");
    }
    let clear = drawn("<path d='M2 5H18' stroke='red' stroke-opacity='.5'/>").unwrap();
    assert!((127..=128).contains(&pixel(&clear, 20, 10)[3]));
    let hidden = drawn("<path d='M2 5H18' stroke='red' visibility='hidden'/>").unwrap();
    assert_eq!(pixel(&hidden, 20, 10), NOTHING);
}

#[test]
fn compressed_files_are_read() {
    let compressed = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let source = compressed(&file("<rect width='20' height='10' fill='red'/>"));
    let picture = drawn_at(&source, Size { width: 20, height: 10 }).unwrap();
    assert_eq!(pixel(&picture, 19, 9), RED);
    let other = open(&*compressed(b"a tar file"), &Limits::default()).err().unwrap();
    assert!(matches!(other, ThumbnailError::Unsupported), "{other}");
    let bomb = compressed(&file(&" ".repeat(20_000_000)));
    let refused = open(&*bomb, &Limits::default()).err().unwrap();
    assert!(matches!(refused, ThumbnailError::TooLarge { .. }), "{refused}");
}

#[test]
fn the_first_element_is_svg() {
    let accepted = [
        "<?xml version='1.0'?>\n<!-- a logo -->\n<svg xmlns='http://www.w3.org/2000/svg'/>",
        "\u{feff}  <!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/x.dtd'>\
         <svg xmlns='http://www.w3.org/2000/svg'/>",
    ];
    for source in accepted {
        assert!(open(source.as_bytes(), &Limits::default()).is_ok(), "{source}");
    }
    for source in ["<html><svg/></html>", "<svg", "text <svg/>", "<?xml?>", "<a href='<svg'/>"] {
        assert!(open(source.as_bytes(), &Limits::default()).is_err(), "{source}");
    }
}

#[test]
fn files_of_the_machine_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("red.svg");
    std::fs::write(&path, file("<rect width='20' height='10' fill='red'/>")).unwrap();
    let path = path.display();
    for link in [format!("{path}"), format!("file://{path}")] {
        for name in ["href", "xlink:href"] {
            let picture = drawn(&format!("<image {name}='{link}' width='20' height='10'/>"));
            assert_eq!(pixel(&picture.unwrap(), 10, 5), NOTHING, "{name}={link}");
        }
    }
    let entity = format!(
        "<!DOCTYPE svg [<!ENTITY other SYSTEM 'file://{path}'>]>\
         <svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'>&other;</svg>"
    );
    if let Ok(picture) = drawn_at(entity.as_bytes(), Size { width: 20, height: 10 }) {
        assert_eq!(pixel(&picture, 10, 5), NOTHING);
    }
}

fn data_uri(kind: &str, content: &[u8]) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    format!("data:{kind};base64,{}", STANDARD.encode(content))
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![255; (width * height) as usize]).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn embedded_images_are_drawn_within_the_limits() {
    let image = |file: &[u8]| {
        let uri = data_uri("image/png", file);
        drawn(&format!("<image href='{uri}' width='20' height='10'/>")).unwrap()
    };
    assert_eq!(pixel(&image(&png(20, 10)), 20, 10), [255; 4]);
    assert_eq!(pixel(&image(&png(9000, 9000)), 20, 10), NOTHING);
    let inner = data_uri("image/svg+xml", &file("<rect width='20' height='10' fill='red'/>"));
    let outer = drawn(&format!("<image href='{inner}' width='20' height='10'/>")).unwrap();
    assert_eq!(pixel(&outer, 20, 10), NOTHING);
}

/// Elements that each repeat the previous one ten times.
fn repeated(levels: u32, first: &str, repeat: impl Fn(u32) -> String) -> String {
    let mut content = format!("<defs><g id='e0'>{first}</g>");
    for level in 1..=levels {
        let inside = repeat(level - 1).repeat(10);
        write!(content, "<g id='e{level}'>{inside}</g>").unwrap();
    }
    content + "</defs>" + &repeat(levels)
}

fn filtered(filter: &str) -> String {
    format!("<filter id='f'>{filter}</filter><rect width='20' height='10' filter='url(#f)'/>")
}

/// Files that would take minutes or gigabytes.
#[expect(clippy::too_many_lines, reason = "a list of files")]
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let laughs = (1..10).fold(String::from("<!ENTITY e0 'ha'>"), |declared, level| {
        format!("{declared}<!ENTITY e{level} '{}'>", format!("&e{};", level - 1).repeat(10))
    });
    let quadratic = format!("<!ENTITY e '{}'>", "a".repeat(100_000));
    let document = |declared: &str, content: &str| {
        format!(
            "<!DOCTYPE svg [{declared}]><svg xmlns='http://www.w3.org/2000/svg' width='9' \
             height='9'><text>{content}</text></svg>"
        )
        .into_bytes()
    };
    let chain = |open: &str, close: &str, depth: usize| {
        file(&(open.repeat(depth) + "<rect width='9' height='9'/>" + &close.repeat(depth)))
    };
    let patterns = (0..12).fold(String::new(), |declared, level| {
        let fill = if level == 0 { "red".into() } else { format!("url(#p{})", level - 1) };
        let shapes = format!("<rect width='9' height='9' fill='{fill}'/>").repeat(10);
        format!(
            "{declared}<pattern id='p{level}' width='9' height='9' \
             patternUnits='userSpaceOnUse'>{shapes}</pattern>"
        )
    });
    let styled: String = (0..12)
        .map(|level| {
            let shapes = format!("<rect class='c{level}' width='9' height='9'/>").repeat(10);
            format!(
                "<style>.c{} {{ fill: url( '#p{level}' ) }}</style><pattern id='p{level}' \
                 width='9' height='9' patternUnits='userSpaceOnUse'>{shapes}</pattern>",
                level + 1
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let masks = (0..12).fold(String::new(), |declared, level| {
        let masked = if level == 0 { String::new() } else { format!("url(#m{})", level - 1) };
        let shapes = format!("<rect width='9' height='9' mask='{masked}'/>").repeat(10);
        format!("{declared}<mask id='m{level}'>{shapes}</mask>")
    });
    let use_of = |level| format!("<use href='#e{level}'/>");
    let foreign = |level| format!("<use xmlns:o='urn:o' o:href='#e0' xlink:href='#e{level}'/>");
    let rules = ".c .d {x:y}".repeat(20_000);
    let rect = "<rect width='20' height='10'/>";
    vec![
        ("entities", document(&laughs, "&e9;")),
        ("long entities", document(&quadratic, &"&e;".repeat(5000))),
        ("use", file(&repeated(12, rect, use_of))),
        ("use with a foreign attribute", file(&repeated(12, rect, foreign))),
        ("nested groups", chain("<g>", "</g>", 50_000)),
        ("deep layers", chain("<g opacity='.9'>", "</g>", 250)),
        ("nested text", chain("<text>", "</text>", 50_000)),
        ("patterns", file(&format!("{patterns}<rect width='9' height='9' fill='url(#p11)'/>"))),
        ("patterns in styles", file(&format!("{styled}<rect class='c12' width='9' height='9'/>"))),
        ("masks", file(&format!("{masks}<rect width='9' height='9' mask='url(#m11)'/>"))),
        ("a huge arc", file("<path d='M1 1a3 3 0 0 1 5e32 5' stroke='red'/>")),
        ("a huge distance", file("<path d='M1e32 1v9A3 3 0 0 1 5 5' stroke='red'/>")),
        (
            "a huge tile",
            file(
                "<pattern id='p' width='60000' height='60000' patternUnits='userSpaceOnUse'>\
                 <rect width='9' height='9'/></pattern><rect width='9' height='9' fill='url(#p)'/>",
            ),
        ),
        (
            "markers",
            file(&format!(
                "<marker id='m'>{}</marker><path marker-mid='url(#m)' d='M0 0{}'/>",
                rect.repeat(500),
                "L1 1".repeat(50_000)
            )),
        ),
        ("octaves", file(&filtered("<feTurbulence baseFrequency='.1' numOctaves='900000000'/>"))),
        ("morphology", file(&filtered("<feMorphology radius='90000'/>"))),
        ("primitives", file(&filtered(&"<feGaussianBlur stdDeviation='3'/>".repeat(100_000)))),
        ("rules", file(&format!("<style>{rules}</style>{}", rect.repeat(20_000)))),
        ("text", file(&format!("<text>{}</text>", "a".repeat(3_000_000)))),
        (
            "repeated text",
            file(&repeated(4, &format!("<text>{}</text>", "a".repeat(1000)), use_of)),
        ),
        ("elements", file(&rect.repeat(260_000))),
        ("crossing lines", file(&format!("<path d='M0 0{}'/>", "L19 9L0 3".repeat(60_000)))),
        ("parts of a text", file(&format!("<text>{}</text>", "<tspan>A</tspan>".repeat(2000)))),
        (
            "text on a path",
            file(&format!(
                "<path id='p' d='M0 0{}'/><text><textPath href='#p'>{}</textPath></text>",
                "L9 9L0 3".repeat(20_000),
                "A".repeat(1000)
            )),
        ),
        (
            "selectors of ancestors",
            file(&format!(
                "<style>{}</style>{}{}{}",
                ".a .b .c .d {x:y}".repeat(200),
                "<g class='d b c'>".repeat(100),
                rect.repeat(100),
                "</g>".repeat(100)
            )),
        ),
        (
            "dashes",
            file(
                "<path stroke='red' stroke-dasharray='.0001' d='M0 0L9 9L0 3L9 9L0 3L9 9L0 3L9 9'/>",
            ),
        ),
    ]
}

#[test]
fn bombs_are_refused() {
    for (name, source) in bombs() {
        let outcome = drawn_at(&source, Size { width: 400, height: 200 });
        assert!(outcome.is_err(), "{name} was drawn");
    }
}

#[test]
fn the_time_limit_is_looked_at_between_elements() {
    let source = file(&"<g><rect width='20' height='10'/></g>".repeat(100));
    let limits = Limits::default();
    let looks = std::cell::Cell::new(0);
    let expired = || {
        looks.set(looks.get() + 1);
        looks.get() > 50
    };
    let request = DecodeRequest {
        size: Size { width: 20, height: 10 },
        linear_size: None,
        half_chroma: false,
        max_frames: 1,
        is_partial: false,
        limits: &limits,
        expired: &expired,
    };
    let outcome = open(&*source, &limits).unwrap().frames(request, &mut |_| Ok(()));
    assert!(matches!(outcome, Err(ThumbnailError::Timeout)));
}

#[test]
fn text_is_drawn_with_a_font_of_the_system() {
    let picture = drawn("<text x='2' y='9' font-size='10'>HM</text>").unwrap();
    let black = picture.data.chunks(4).filter(|pixel| pixel[3] > 200).count();
    // Without fonts, text is left out.
    let has_fonts = Fonts::SYSTEM.database().faces().next().is_some();
    assert_eq!(black > 20, has_fonts, "{black}");
}

#[test]
fn noise_and_blur_are_drawn() {
    let noise = filtered("<feTurbulence baseFrequency='.3' numOctaves='9'/>");
    let blurred = filtered("<feGaussianBlur stdDeviation='2'/>");
    for content in [noise, blurred] {
        let picture = drawn(&content).unwrap();
        assert!(picture.data.chunks(4).any(|pixel| pixel[3] > 0 && pixel[3] < 255), "{content}");
    }
}

#[test]
fn damaged_files_are_drawn_or_refused() {
    let content = "<style>.a { fill: url(#g) }</style><linearGradient id='g'><stop offset='0' \
        stop-color='#f80'/><stop offset='1'/></linearGradient><path class='a' d='M1 1C2 3 4 5 6 \
        7L9 9z'/><text x='3' y='4'>Ab</text><g opacity='.5'><use href='#u'/></g><rect id='u' \
        width='3' height='3' transform='rotate(20)'/>";
    let whole = file(content);
    let size = Size { width: 40, height: 20 };
    let mut drawings = 0;
    for position in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[position] ^= 1 << (position % 7);
        drawings += usize::from(drawn_at(&flipped, size).is_ok());
        let cut = &whole[..position];
        assert!(drawn_at(cut, size).is_err(), "cut off after {position} bytes");
    }
    assert!(drawings > whole.len() / 4, "{drawings}");
}
