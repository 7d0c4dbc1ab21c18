//! The programs of `docs/guides/`: compiled, run on small data, and held equal to what the guides print.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "the programs talk to people")]

mod segment_your_own_scans;

use std::path::Path;

/// The Rust blocks of a guide, with the line of the page on which each starts.
fn rust_blocks(page: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line == "```rust" {
            let inside = lines.by_ref().map(|(line, _)| line);
            let block: Vec<_> = inside.take_while(|line| *line != "```").collect();
            blocks.push((number, block.join("\n")));
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
        let name = page
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .replace('-', "_");
        let program = root.join("tests/guides").join(format!("{name}.rs"));
        let program = std::fs::read_to_string(&program)
            .unwrap_or_else(|e| panic!("{} has no program: {e}", page.display()));
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
        for (line, block) in blocks {
            assert!(
                program.contains(&format!("\n{block}\n")),
                "{}:{line}: the program has another text",
                page.display()
            );
        }
        guides += 1;
    }
    assert!(guides > 0);
}
