//! A report as Markdown, with its figures beside it.

use super::document::{Block, Document, FIGURES, Figure, Grid};

pub(crate) fn render(document: &Document) -> String {
    let mut text = format!("# {}\n", document.title);
    for block in &document.blocks {
        text.push('\n');
        text += &match block {
            Block::Heading(heading) => format!("## {heading}\n"),
            Block::Text(paragraph) => format!("{paragraph}\n"),
            Block::Caution(caution) => format!("> {caution}\n"),
            Block::List(items) => items.iter().map(|item| format!("* {item}\n")).collect(),
            Block::Tiles(tiles) => tiles
                .iter()
                .map(|tile| match tile.interval.is_empty() {
                    true => format!("* **{}** {}\n", tile.value, tile.what),
                    false => format!("* **{}** ({}) {}\n", tile.value, tile.interval, tile.what),
                })
                .collect(),
            Block::Table(grid) => table(grid),
            Block::Figure(shown) => figure(shown, &shown.caption),
            Block::Gallery(pictures) => pictures
                .iter()
                .map(|(line, shown)| figure(shown, line))
                .collect(),
        };
    }
    text
}

fn table(grid: &Grid) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = vec!["---".to_owned(); grid.headers.len()];
    let caption = match grid.caption.is_empty() {
        true => String::new(),
        false => format!("{}\n\n", grid.caption),
    };
    let rows: String = grid.rows.iter().map(|cells| row(cells)).collect();
    format!("{caption}{}{}{rows}", row(&grid.headers), row(&rule))
}

fn figure(figure: &Figure, line: &str) -> String {
    format!("![{line}]({FIGURES}/{})\n", figure.file)
}
