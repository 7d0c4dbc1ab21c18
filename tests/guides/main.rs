//! The programs of `docs/guides/`: compiled, run on small data, and held equal to what the guides print.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "the programs talk to people")]

mod adaptation;
mod augment;
mod dicom_study;
mod explain;
mod gpu;
mod logging;
mod measure;
mod other_peoples_models;
mod segment_your_own_scans;

use std::path::Path;

/// A Rust block of a guide.
struct Block {
    /// The line of the page on which it starts.
    line: usize,
    text: String,
    /// The file it is taken from, when the page says so: "`path`:" before the block.
    file: Option<String>,
}

fn rust_blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = page.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line == "```rust" {
            let inside = lines.by_ref().map(|(line, _)| line);
            let block: Vec<_> = inside.take_while(|line| *line != "```").collect();
            let file = before.strip_prefix('`').and_then(|s| s.strip_suffix("`:"));
            blocks.push(Block {
                line: number,
                text: block.join("\n"),
                file: file.map(str::to_owned),
            });
        }
        if !line.is_empty() {
            before = line;
        }
    }
    blocks
}

#[test]
fn every_rust_block_of_a_guide_stands_in_its_tested_program_word_for_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut guides = 0;
    for entry in std::fs::read_dir(root.join("docs/guides")).unwrap() {
        let page = entry.unwrap().path();
        let name = page.file_stem().unwrap().to_string_lossy();
        let program = format!("tests/guides/{}.rs", name.replace('-', "_"));
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks = rust_blocks(&text);
        assert!(blocks.len() > 2, "{} shows no code", page.display());
        // A block that is marked otherwise would not be looked at.
        assert_eq!(
            text.matches("```rust").count(),
            blocks.len(),
            "{}",
            page.display()
        );
        for Block { line, text, file } in blocks {
            let file = file.as_ref().unwrap_or(&program);
            let source = std::fs::read_to_string(root.join(file))
                .unwrap_or_else(|e| panic!("{}:{line}: {file}: {e}", page.display()));
            assert!(
                source.contains(&format!("\n{text}\n")),
                "{}:{line}: {file} has another text",
                page.display()
            );
        }
        guides += 1;
    }
    assert!(guides > 1);
}
