use super::*;
use flate2::{Compression, GzBuilder};
use std::io::Write as _;

fn pack(data: &[u8]) -> Vec<u8> {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
    gzip.write_all(data).unwrap();
    gzip.finish().unwrap()
}

/// Decodes everything, with chunks of `chunk`; the members' compressed ends beside the bytes.
fn run(bytes: &[u8], chunk: usize) -> Result<(Vec<u8>, Vec<u64>)> {
    let (mut gunzip, mut out, mut ends) = (Gunzip::new(1100), Vec::new(), Vec::new());
    for mut input in bytes.chunks(chunk) {
        loop {
            match gunzip.step(&mut input, &mut out)? {
                Step::NeedInput => break,
                Step::OutputFull => {}
                Step::MemberEnd => ends.push(gunzip.consumed()),
            }
        }
    }
    assert_eq!(
        gunzip.is_between(),
        ends.last() == Some(&(bytes.len() as u64))
    );
    Ok((out, ends))
}

#[test]
fn members_in_any_chunks() {
    let data: Vec<u8> = (0..70_000u32)
        .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
        .collect();
    let members = [pack(&data), pack(b""), pack(b"last")];
    let bytes = members.concat();
    let ends: Vec<u64> = members
        .iter()
        .scan(0, |at, member| {
            *at += member.len() as u64;
            Some(*at)
        })
        .collect();
    let raw = [&data[..], b"last"].concat();
    for chunk in [1, 7, 3000, 64 << 10, bytes.len()] {
        assert_eq!(
            run(&bytes, chunk).unwrap(),
            (raw.clone(), ends.clone()),
            "{chunk}"
        );
    }
}

#[test]
fn every_optional_header_field() {
    let mut gzip = GzBuilder::new()
        .filename("name")
        .comment("words")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), Compression::fast());
    gzip.write_all(b"data").unwrap();
    let bytes = gzip.finish().unwrap();
    assert_eq!(run(&bytes, 1).unwrap().0, b"data");
    let mut summed = bytes.clone();
    summed[3] |= 2;
    let head = 10 + 2 + 3 + 5 + 6;
    let mut crc = Crc::new();
    crc.update(&summed[..head]);
    summed.splice(head..head, (crc.sum() as u16).to_le_bytes());
    assert_eq!(run(&summed, 1).unwrap().0, b"data");
    summed[head] ^= 1;
    assert!(run(&summed, 1).is_err());
}

#[test]
fn hostile_streams() {
    let good = pack(b"data data data data");
    let mut reserved = good.clone();
    reserved[3] = 0x20;
    let mut sum = good.clone();
    sum[good.len() - 8] ^= 1;
    let mut size = good.clone();
    size[good.len() - 1] ^= 1;
    let endless = [vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255], vec![b'x'; 5000]].concat();
    for (bytes, what) in [
        (b"not gzip".to_vec(), "first bytes"),
        (reserved, "reserved"),
        (sum, "checksum"),
        (size, "checksum"),
        (endless, "longer than allowed"),
        ([&good[..], b"garbage"].concat(), "first bytes"),
        ([&good[..10], &[0xff; 8]].concat(), "damaged"),
    ] {
        let error = run(&bytes, 5).unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(whole(&bytes, 100, 1100).is_err());
    }
    assert!(whole(&good[..good.len() - 1], 100, 1100).is_err());
    assert!(whole(&good, 18, 1100).is_err());
    assert_eq!(whole(&good, 19, 1100).unwrap().len(), 19);
}

#[test]
fn a_bomb_is_refused_by_its_ratio() {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(&vec![0; 8 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    let decode = |ratio| whole(&bomb, 8 << 20, ratio).map(|raw| raw.len());
    assert_eq!(decode(1100).unwrap(), 8 << 20);
    let error = decode(100).unwrap_err();
    assert!(error.to_string().contains("more than allowed"), "{error}");
}
