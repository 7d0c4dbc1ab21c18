//! A report as its parts, from which both HTML and Markdown are made.

use std::path::Path;

use anyhow::{Context as _, Result};
use medviz::Picture;

/// A part of a report.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    Heading(String),
    Text(String),
    /// Something a reader must not miss.
    Caution(String),
    List(Vec<String>),
    /// The few numbers that matter.
    Tiles(Vec<Tile>),
    Table(Grid),
    Figure(Figure),
    /// Small pictures in a row, each under a line.
    Gallery(Vec<(String, Figure)>),
}

/// A number that matters.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub(crate) value: String,
    /// Empty where there is none.
    pub(crate) interval: String,
    /// What it is.
    pub(crate) what: String,
}

/// A table of texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grid {
    pub(crate) caption: String,
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A file beside the report.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Its name in the folder of figures.
    pub(crate) file: String,
    pub(crate) caption: String,
    pub(crate) bytes: Vec<u8>,
}

/// The folder of figures beside the report.
pub(crate) const FIGURES: &str = "figures";

impl Figure {
    pub(crate) fn svg(name: &str, caption: impl Into<String>, svg: String) -> Self {
        Self {
            file: format!("{name}.svg"),
            caption: caption.into(),
            bytes: svg.into_bytes(),
        }
    }

    pub(crate) fn png(name: &str, caption: impl Into<String>, picture: &Picture) -> Result<Self> {
        Ok(Self {
            file: format!("{name}.png"),
            caption: caption.into(),
            bytes: picture.to_png()?,
        })
    }

    pub(crate) fn media_type(&self) -> &'static str {
        if self.file.ends_with(".svg") {
            "image/svg+xml"
        } else {
            "image/png"
        }
    }
}

impl Grid {
    pub(crate) fn new(caption: impl Into<String>, headers: &[&str]) -> Self {
        Self {
            caption: caption.into(),
            headers: headers.iter().map(|&h| h.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

/// A titled list of parts.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

impl Document {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            blocks: Vec::new(),
        }
    }

    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// Writes `report.html`, which needs no other file, `report.md`, and the figures that it shows.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let figures = folder.join(FIGURES);
        std::fs::create_dir_all(&figures)
            .with_context(|| format!("cannot make {}", figures.display()))?;
        for figure in self.figures() {
            medcore::atomic::write_bytes(&figures.join(&figure.file), &figure.bytes)?;
        }
        let html = super::html::render(self);
        medcore::atomic::write_bytes(&folder.join("report.html"), html.as_bytes())?;
        let markdown = super::markdown::render(self);
        medcore::atomic::write_bytes(&folder.join("report.md"), markdown.as_bytes())?;
        Ok(())
    }

    fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Figure(figure) => vec![figure],
            Block::Gallery(pictures) => pictures.iter().map(|(_, figure)| figure).collect(),
            _ => vec![],
        })
    }
}
