//! The document: opening tag, words for screen readers, colours for dark viewers.

use std::fmt::{self, Write as _};

use super::palette::{AXIS, GRID, Ink, MUTED, NEUTRAL, PAPER, SERIES, TEXT, hex};
use super::text::escape;

/// An SVG document that grows line by line.
#[derive(Debug)]
pub(super) struct Svg(String);

impl Svg {
    /// A document with white paper, dark where the viewer prefers that.
    pub(super) fn document((width, height): (f64, f64), title: &str, description: &str) -> Self {
        let mut svg = Self(String::new());
        svg.line(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" font-family=\"Helvetica, Arial, \
             sans-serif\" font-size=\"13\">"
        ));
        svg.line(format_args!("<title>{}</title>", escape(title)));
        if !description.is_empty() {
            svg.line(format_args!("<desc>{}</desc>", escape(description)));
        }
        svg.line(format_args!(
            "<style>@media (prefers-color-scheme: dark) {{ {}}}</style>",
            dark_rules()
        ));
        svg.line(format_args!(
            "<rect width=\"100%\" height=\"100%\" class=\"paper\" fill=\"{}\"/>",
            hex(PAPER.light)
        ));
        svg
    }

    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(text);
        self.0.push('\n');
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

/// Rules of a style sheet outweigh attributes, so attributes hold the light colours.
fn dark_rules() -> String {
    let mut rules = String::new();
    let mut rule = |class: &str, property: &str, ink: Ink| {
        let _ = write!(rules, ".{class}{{{property}:{}}} ", hex(ink.dark));
    };
    rule("paper", "fill", PAPER);
    rule("ink", "fill", TEXT);
    rule("mute", "fill", MUTED);
    rule("halo", "stroke", PAPER);
    rule("grid", "stroke", GRID);
    rule("axis", "stroke", AXIS);
    rule("n", "color", NEUTRAL);
    for (i, ink) in SERIES.into_iter().enumerate() {
        rule(&format!("s{i}"), "color", ink);
    }
    rules
}
