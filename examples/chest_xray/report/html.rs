//! A report as one HTML file without scripts, to be read on a screen and printed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::{Block, Document, Figure, Grid, Tile};

const STYLE: &str = "
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; color: #1c2430; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #d5dbe3; }
p, li { max-width: 46rem; }
.caution { background: #fff6e0; border-left: 4px solid #d99a00; padding: .6rem .9rem; margin: 1rem 0; max-width: 46rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0; }
.tile { border: 1px solid #d5dbe3; border-radius: .5rem; padding: .7rem 1rem; min-width: 9rem; flex: 1; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; }
.tile i { display: block; font-style: normal; font-size: .95rem; }
.tile span { color: #55606e; font-size: .88rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .93rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #55606e; padding-bottom: .3rem; }
th, td { padding: .32rem .8rem .32rem 0; border-bottom: 1px solid #e4e8ee; text-align: left; vertical-align: top; }
th { font-weight: 600; border-bottom: 2px solid #aeb8c4; }
figure { display: inline-block; vertical-align: top; margin: 1rem 1rem 1rem 0; max-width: 28.5rem; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #55606e; font-size: .9rem; max-width: 46rem; }
.gallery { margin: 1rem 0 1.6rem; display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .9rem; }
.gallery figure { display: block; margin: 0; } .gallery img { width: 100%; image-rendering: auto; border-radius: .3rem; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } figure, .tile, tr { break-inside: avoid; } }
";

pub(crate) fn render(document: &Document) -> String {
    let title = escaped(&document.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for block in &document.blocks {
        html += &match block {
            Block::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
            Block::Text(text) => format!("<p>{}</p>\n", escaped(text)),
            Block::Caution(text) => format!("<p class=\"caution\">{}</p>\n", escaped(text)),
            Block::List(items) => {
                let items: String = items
                    .iter()
                    .map(|item| format!("<li>{}</li>\n", escaped(item)))
                    .collect();
                format!("<ul>\n{items}</ul>\n")
            }
            Block::Tiles(tiles) => {
                let tile = |tile: &Tile| {
                    let [value, interval, what] =
                        [&tile.value, &tile.interval, &tile.what].map(|text| escaped(text));
                    format!(
                        "<div class=\"tile\"><b>{value}</b><i>{interval}</i><span>{what}</span></div>\n"
                    )
                };
                format!(
                    "<div class=\"tiles\">\n{}</div>\n",
                    tiles.iter().map(tile).collect::<String>()
                )
            }
            Block::Table(grid) => table(grid),
            Block::Figure(shown) => figure(shown, &shown.caption),
            Block::Gallery(pictures) => {
                let pictures: String = pictures
                    .iter()
                    .map(|(line, shown)| figure(shown, line))
                    .collect();
                format!("<div class=\"gallery\">\n{pictures}</div>\n")
            }
        };
    }
    html + "</body>\n</html>\n"
}

fn table(grid: &Grid) -> String {
    let cells = |cells: &[String], tag: &str| -> String {
        let cells = cells
            .iter()
            .map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let rows: String = grid.rows.iter().map(|row| cells(row, "td")).collect();
    let caption = match grid.caption.is_empty() {
        true => String::new(),
        false => format!("<caption>{}</caption>\n", escaped(&grid.caption)),
    };
    format!(
        "<table>\n{caption}<thead>{}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
        cells(&grid.headers, "th")
    )
}

/// The picture inside the file: as an image of its own, so that names in two drawings do not meet.
fn figure(figure: &Figure, line: &str) -> String {
    let (kind, data) = (figure.media_type(), STANDARD.encode(&figure.bytes));
    let line = escaped(line);
    format!(
        "<figure><img alt=\"{line}\" src=\"data:{kind};base64,{data}\"><figcaption>{line}</figcaption></figure>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_cannot_become_markup() {
        let mut document = Document::new("<b>");
        document.text("a \"quoted\" <script>");
        let html = render(&document);
        assert!(
            !html.contains("<script>") && html.contains("&lt;b&gt;"),
            "{html}"
        );
    }
}
