//! Bodies of several parts for the fuzzer; the reader's own tests damage others.

/// A media type, and on the lines behind it a body.
const SEEDS: [(&str, &str); 5] = [
    (
        "two parts",
        "multipart/related; type=\"application/dicom\"; boundary=x\npreamble\r\n--x\r\nContent-Type: application/dicom\r\n\
         Content-Length: 3\r\n\r\none\r\n--x \t\r\n\r\ntwo\r\n--x--\r\nepilogue",
    ),
    (
        "quoted boundary",
        "multipart/related;boundary=\"a b:'()+_,-./=?\"\n--a b:'()+_,-./=?\r\nContent-Location: /1\r\n  /2\r\n\r\n\r\n\
         --a b:'()+_,-./=?--",
    ),
    (
        "line feeds",
        "multipart/mixed; boundary=b\n--b\nA: 1\n\none\r\n--b\n\n\n--b\n\ntwo\n--b--",
    ),
    (
        "nearly boundaries",
        "multipart/mixed; boundary=bb\n--bb\r\n\r\n\r\n--b\r\n--bbb\r\n\r--bb\r\n--bb-\r\n--bb x\r\n--bb--",
    ),
    ("single", "image/jp2; transfer-syntax=\"1.2.840\"\nbytes"),
];

/// Run by hand before fuzzing: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_of_a_body_is_written_for_the_fuzzer_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let folder = folder.join("multipart_read");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, seed) in SEEDS {
        let (media_type, body) = seed.split_once('\n').unwrap();
        assert!(media_type.contains('/') && !body.is_empty(), "{name}");
        std::fs::write(folder.join(name), seed).unwrap();
    }
}
