//! Archives, pictures, sounds, programs: the containers as their formats say, the content random or made by the other generators.

use super::random::Random;
use super::template::Template;
use super::text;
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Makes the bytes of a file.
pub(super) type Maker = fn(&mut Random) -> Vec<u8>;

/// Name and maker of each type.
pub(super) const TYPES: &[(&str, Maker)] = &[
    ("archive.zip", plain_zip),
    ("letter.docx", docx),
    ("sheet.xlsx", xlsx),
    ("book.epub", epub),
    ("library.jar", jar),
    ("page.gz", gzip),
    ("archive.tar", tar),
    ("picture.png", png),
    ("picture.bmp", bmp),
    ("picture.gif", gif),
    ("sound.wav", wav),
    ("song.mid", midi),
    ("document.pdf", pdf),
    ("program.elf", elf),
    ("module.wasm", wasm),
    ("Program.class", class),
    ("array.npy", npy),
    ("traffic.pcap", pcap),
    ("key.pem", pem),
    ("noise.bin", noise),
];

/// A text of one of the types, as content of something else.
fn some_text(random: &mut Random) -> (&'static str, String) {
    let templates: Vec<&Template> = text::TYPES.iter().collect();
    let template = random.pick(&templates);
    (template.name, template.fill(random))
}

/// A zip archive; writing to memory cannot fail.
fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, (name, content)) in members.iter().enumerate() {
        // The first member of an EPUB must not be compressed.
        let method =
            if index == 0 && name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        if writer.start_file(name.as_str(), options).is_ok() {
            let _ = writer.write_all(content);
        }
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

fn member(name: &str, content: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.to_owned(), content.into())
}

fn plain_zip(random: &mut Random) -> Vec<u8> {
    let count = random.between(2, 6);
    let members: Vec<_> = (0..count)
        .map(|index| {
            let (name, text) = some_text(random);
            member(&format!("folder{index}/{name}"), text)
        })
        .collect();
    archive(&members)
}

const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>";

fn office(random: &mut Random, folder: &str, parts: &[&str]) -> Vec<u8> {
    let mut members = vec![
        member("[Content_Types].xml", CONTENT_TYPES),
        member("_rels/.rels", CONTENT_TYPES.replace("Types", "Relationships")),
    ];
    for part in parts {
        let (_, text) = some_text(random);
        members.push(member(
            &format!("{folder}/{part}.xml"),
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<w:t>{text}</w:t>"),
        ));
    }
    members.push(member("docProps/core.xml", CONTENT_TYPES));
    members.push(member("docProps/app.xml", CONTENT_TYPES));
    archive(&members)
}

fn docx(random: &mut Random) -> Vec<u8> {
    office(random, "word", &["document", "styles", "settings", "fontTable", "theme/theme1"])
}

fn xlsx(random: &mut Random) -> Vec<u8> {
    office(random, "xl", &["workbook", "worksheets/sheet1", "worksheets/sheet2", "styles", "sharedStrings"])
}

fn epub(random: &mut Random) -> Vec<u8> {
    let mut members = vec![member("mimetype", "application/epub+zip"), member("META-INF/container.xml", CONTENT_TYPES)];
    for chapter in 0..random.between(2, 5) {
        members.push(member(&format!("OEBPS/chapter{chapter}.xhtml"), some_text(random).1));
    }
    members.push(member("OEBPS/content.opf", CONTENT_TYPES));
    members.push(member("OEBPS/toc.ncx", CONTENT_TYPES));
    archive(&members)
}

fn jar(random: &mut Random) -> Vec<u8> {
    let mut members = vec![member("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nCreated-By: 17 (Debian)\r\n\r\n")];
    for index in 0..random.between(2, 6) {
        members.push(member(&format!("org/example/Class{index}.class"), class(random)));
    }
    archive(&members)
}

/// A gzip file is what a zip archive holds of one member, with another head and tail.
fn gzip(random: &mut Random) -> Vec<u8> {
    let (name, text) = some_text(random);
    let zipped = archive(&[member(name, text)]);
    let mut gzip = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 2, 3];
    gzip.extend(name.as_bytes());
    gzip.push(0);
    let mut tail = Vec::new();
    if let Ok(mut archive) = ZipArchive::new(Cursor::new(zipped))
        && let Ok(mut raw) = archive.by_index_raw(0)
    {
        tail.extend(raw.crc32().to_le_bytes());
        tail.extend((raw.size() as u32).to_le_bytes());
        let _ = raw.read_to_end(&mut gzip);
    }
    gzip.extend(tail);
    gzip
}

fn tar(random: &mut Random) -> Vec<u8> {
    let mut tar = Vec::new();
    for index in 0..random.between(2, 4) {
        let (name, text) = some_text(random);
        let mut header = [0_u8; 512];
        let mut put = |at: usize, value: &str| header[at..at + value.len()].copy_from_slice(value.as_bytes());
        put(0, &format!("folder{index}/{name}"));
        put(100, "0000644\0");
        put(108, "0001750\0");
        put(116, "0001750\0");
        put(124, &format!("{:011o}\0", text.len()));
        put(136, "14544322345\0");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        put(265, "user");
        put(297, "user");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(header);
        tar.extend(text.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1_024, 0);
    tar
}

/// Something to see: a slope of colours with noise.
fn pixels(random: &mut Random, width: usize, height: usize) -> Vec<u8> {
    let (a, b, c) = (random.between(1, 7), random.between(1, 7), random.below(256));
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let noise = random.below(8);
            pixels.extend([x * a + noise, y * b + noise, x * y / 16 + c].map(|value| value as u8));
        }
    }
    pixels
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

/// The compressed bytes of a zip archive, between the head and the tail of zlib.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let zipped = archive(&[member("x", bytes)]);
    let mut zlib = vec![0x78, 0x9c];
    if let Ok(mut archive) = ZipArchive::new(Cursor::new(zipped))
        && let Ok(mut raw) = archive.by_index_raw(0)
    {
        let _ = raw.read_to_end(&mut zlib);
    }
    zlib.extend(adler32(bytes).to_be_bytes());
    zlib
}

fn png(random: &mut Random) -> Vec<u8> {
    let (width, height) = (random.between(16, 80), random.between(16, 80));
    let mut rows = Vec::new();
    for row in pixels(random, width, height).chunks(width * 3) {
        rows.push(0);
        rows.extend(row);
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], content: &[u8]| {
        let body = [&kind[..], content].concat();
        png.extend((content.len() as u32).to_be_bytes());
        png.extend(&body);
        png.extend(crc32(&body).to_be_bytes());
    };
    let size = [(width as u32).to_be_bytes(), (height as u32).to_be_bytes()].concat();
    chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    chunk(b"IDAT", &zlib(&rows));
    chunk(b"IEND", &[]);
    png
}

fn bmp(random: &mut Random) -> Vec<u8> {
    let (width, height) = (4 * random.between(4, 16), random.between(16, 60));
    let pixels = pixels(random, width, height);
    let mut bmp = b"BM".to_vec();
    for value in [54 + pixels.len() as u32, 0, 54, 40, width as u32, height as u32, 24 << 16 | 1, 0] {
        bmp.extend(value.to_le_bytes());
    }
    for value in [pixels.len() as u32, 2_835, 2_835, 0, 0] {
        bmp.extend(value.to_le_bytes());
    }
    bmp.extend(pixels);
    bmp
}

fn gif(random: &mut Random) -> Vec<u8> {
    let (width, height) = (random.between(16, 60) as u16, random.between(16, 60) as u16);
    let mut gif = b"GIF89a".to_vec();
    gif.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    gif.extend([0xf6, 0, 0]);
    gif.extend(random.bytes(3 * 128));
    gif.extend([0x21, 0xf9, 4, 1, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0]);
    gif.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    gif.extend([0, 7]);
    // Codes of eight bits, and a clear code often enough for the dictionary never to widen them.
    for _ in 0..usize::from(width) * usize::from(height) / 120 {
        gif.push(121);
        gif.push(128);
        gif.extend(random.bytes(120).iter().map(|byte| byte & 127));
    }
    gif.extend([1, 129, 0, 0x3b]);
    gif
}

fn wav(random: &mut Random) -> Vec<u8> {
    let samples = random.between(800, 4_000);
    let step = random.between(20, 900) as f64 / 8_000.0;
    let sound = |at: usize| (f64::sin(at as f64 * step * std::f64::consts::TAU) * 12_000.0) as i16;
    let data: Vec<u8> = (0..samples).flat_map(|at| sound(at).to_le_bytes()).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}

fn midi(random: &mut Random) -> Vec<u8> {
    let mut track = vec![0, 0xff, 0x51, 3, 7, 0xa1, 0x20];
    for _ in 0..random.between(60, 300) {
        let note = random.between(40, 90) as u8;
        track.extend([0, 0x90, note, 0x40, 0x60, 0x80, note, 0x40]);
    }
    track.extend([0, 0xff, 0x2f, 0]);
    let mut midi = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".to_vec();
    midi.extend((track.len() as u32).to_be_bytes());
    midi.extend(track);
    midi
}

fn pdf(random: &mut Random) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    let text = zlib(some_text(random).1.as_bytes());
    let stream = [format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", text.len()).into_bytes(), text].concat();
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_vec(),
        [stream, b"\nendstream".to_vec()].concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    for (index, object) in objects.iter().enumerate() {
        offsets.push(pdf.len());
        pdf.extend(format!("{} 0 obj\n", index + 1).bytes());
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let start = pdf.len();
    pdf.extend(b"xref\n0 6\n0000000000 65535 f \n");
    for offset in offsets {
        pdf.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    pdf.extend(format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    pdf
}

/// The head of a program for Linux, machine code that goes nowhere, and section names.
fn elf(random: &mut Random) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    for value in [0x1060_u64, 64, 0x3a00] {
        elf.extend(value.to_le_bytes());
    }
    elf.extend([0, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 30, 0, 29, 0]);
    for (kind, offset) in [(6_u32, 64_u64), (3, 0x318)] {
        elf.extend(kind.to_le_bytes());
        elf.extend(4_u32.to_le_bytes());
        for value in [offset, offset, offset, 0x2d8, 0x2d8, 8] {
            elf.extend(value.to_le_bytes());
        }
    }
    elf.resize(0x318, 0);
    elf.extend(b"/lib64/ld-linux-x86-64.so.2\0");
    elf.resize(0x400, 0);
    const CODE: &[&[u8]] = &[
        b"\x55\x48\x89\xe5",
        b"\x48\x8b\x45\xf8",
        b"\x48\x83\xec\x10",
        b"\xe8\x12\x34\0\0",
        b"\x5d\xc3",
        b"\x0f\x1f\x44\0\0",
    ];
    for _ in 0..random.between(400, 900) {
        elf.extend(random.pick(CODE));
    }
    for name in
        [".symtab", ".strtab", ".shstrtab", ".interp", ".dynsym", ".dynstr", ".text", ".rodata", ".data", ".bss"]
    {
        elf.extend(name.as_bytes());
        elf.push(0);
    }
    for index in 0..30_u64 {
        for value in [index | 1 << 32, 2, index * 0x100, index * 0x100, random.below(4_096) as u64, 0, 8, 0] {
            elf.extend(value.to_le_bytes());
        }
    }
    elf
}

fn wasm(random: &mut Random) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0\x01\x0d\x03\x60\x01\x7f\x01\x7f\x60\0\0\x60\x02\x7f\x7f\0\x03\x02\x01\0".to_vec();
    wasm.extend(b"\x05\x03\x01\0\x10\x07\x11\x02\x06memory\x02\0\x04main\0\0\x0a");
    let mut code = Vec::new();
    for _ in 0..random.between(100, 400) {
        code.extend([0x20, 0, 0x41, (random.below(64)) as u8, 0x6a, 0x21, 0]);
    }
    code.extend([0x20, 0, 0x0b]);
    let leb = |value: usize| [(value & 127) as u8 | 128, (value >> 7 & 127) as u8 | 128, (value >> 14) as u8];
    wasm.extend(leb(code.len() + 5));
    wasm.push(1);
    wasm.extend(leb(code.len() + 1));
    wasm.push(0);
    wasm.extend(code);
    wasm.extend(b"\0\x14\x04name\x01\x0d\x02\0\x04main\x01\x04next");
    wasm
}

fn class(random: &mut Random) -> Vec<u8> {
    let mut class =
        b"\xca\xfe\xba\xbe\0\0\0\x3d\0\x20\x0a\0\x06\0\x0f\x09\0\x10\0\x11\x08\0\x12\x0a\0\x13\0\x14".to_vec();
    let number = random.below(1_000).to_string();
    let name = format!("org/example/Class{number}");
    for text in [
        "<init>",
        "()V",
        "Code",
        "LineNumberTable",
        "main",
        "([Ljava/lang/String;)V",
        "SourceFile",
        &name,
        "java/lang/System",
        "out",
        "Ljava/io/PrintStream;",
        "java/lang/Object",
        "java/io/PrintStream",
        "println",
    ] {
        class.push(1);
        class.extend((text.len() as u16).to_be_bytes());
        class.extend(text.as_bytes());
    }
    for _ in 0..random.between(4, 20) {
        class.extend(b"\0\x09\0\x0b\0\x08\0\x01\0\x09\0\0\0\x25\0\x02\0\x01\0\0\0\x09\xb2\0\x02\x12\x03\xb6\0\x04\xb1");
        class.extend(random.bytes(6));
    }
    class.extend(b"\0\0\0\x01\0\x0d\0\0\0\x02\0\x0e");
    class
}

fn npy(random: &mut Random) -> Vec<u8> {
    let count = random.between(200, 900);
    let mut npy = b"\x93NUMPY\x01\0\x76\0".to_vec();
    npy.extend(
        format!("{:<117}\n", format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}")).bytes(),
    );
    for _ in 0..count {
        npy.extend((random.below(100_000) as f64 / 1_000.0).to_le_bytes());
    }
    npy
}

fn pcap(random: &mut Random) -> Vec<u8> {
    let mut pcap = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0".to_vec();
    for index in 0..random.between(8, 30) as u32 {
        let length = random.between(60, 300);
        for value in [1_700_000_000 + index, random.below(1_000_000) as u32, length as u32, length as u32] {
            pcap.extend(value.to_le_bytes());
        }
        pcap.extend(b"\x02\x42\xac\x11\0\x02\x02\x42\xac\x11\0\x03\x08\0\x45\0");
        pcap.extend(random.bytes(length - 16));
    }
    pcap
}

fn pem(random: &mut Random) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let kind = random.pick(&["CERTIFICATE", "RSA PRIVATE KEY", "PUBLIC KEY"]);
    let mut pem = format!("-----BEGIN {kind}-----\nMII").into_bytes();
    let letters: Vec<u8> =
        random.bytes(random.clone().between(400, 1_200)).iter().map(|byte| LETTERS[usize::from(byte & 63)]).collect();
    for line in letters.chunks(64) {
        pem.extend(line);
        pem.push(b'\n');
    }
    pem.extend(format!("-----END {kind}-----\n").bytes());
    pem
}

fn noise(random: &mut Random) -> Vec<u8> {
    let count = random.between(500, 5_000);
    random.bytes(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_formats() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn archives_can_be_read_again() {
        for make in [plain_zip, docx, epub, jar] {
            let bytes = make(&mut Random::new(&[5]));
            let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
            let mut text = Vec::new();
            archive.by_index(1).unwrap().read_to_end(&mut text).unwrap();
            assert!(!text.is_empty());
        }
    }
}
