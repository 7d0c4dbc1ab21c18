//! Codes of anatomical structures by the names that data sets give them.

use super::code::{Code, codes};

/// An anatomical structure, and its side if it is one of a pair.
///
/// ```
/// use medio::dicom::{Structure, codes};
///
/// let kidney = Structure::named("right_kidney").ok_or("unknown")?;
/// assert_eq!((kidney.code, kidney.side), (codes::KIDNEY, Some(codes::RIGHT)));
/// assert_eq!(Structure::named("Kidney (L)"), Structure::named("left kidney"));
/// assert!(Structure::named("organ 7").is_none());
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// What it is.
    pub code: Code,
    /// Left or right.
    pub side: Option<Code>,
}

/// Names in small letters without a side, and what they mean.
static NAMES: [(&str, Code); 37] = [
    ("adrenal", codes::ADRENAL_GLAND),
    ("adrenal gland", codes::ADRENAL_GLAND),
    ("aorta", codes::AORTA),
    ("bladder", codes::URINARY_BLADDER),
    ("bone", codes::BONE),
    ("brain", codes::BRAIN),
    ("colon", codes::COLON),
    ("duodenum", codes::DUODENUM),
    ("esophagus", codes::ESOPHAGUS),
    ("gall bladder", codes::GALLBLADDER),
    ("gallbladder", codes::GALLBLADDER),
    ("heart", codes::HEART),
    ("hemorrhage", codes::HEMORRHAGE),
    ("inferior vena cava", codes::INFERIOR_VENA_CAVA),
    ("ivc", codes::INFERIOR_VENA_CAVA),
    ("kidney", codes::KIDNEY),
    ("lesion", codes::LESION),
    ("liver", codes::LIVER),
    ("lung", codes::LUNG),
    ("neoplasm", codes::NEOPLASM),
    ("nodule", codes::NODULE),
    ("oesophagus", codes::ESOPHAGUS),
    ("pancreas", codes::PANCREAS),
    ("portal vein", codes::PORTAL_VEIN),
    ("postcava", codes::INFERIOR_VENA_CAVA),
    ("prostate", codes::PROSTATE),
    ("rectum", codes::RECTUM),
    ("small intestine", codes::SMALL_INTESTINE),
    ("spine", codes::SPINE),
    ("spleen", codes::SPLEEN),
    ("stomach", codes::STOMACH),
    ("thyroid", codes::THYROID),
    ("thyroid gland", codes::THYROID),
    ("trachea", codes::TRACHEA),
    ("tumor", codes::NEOPLASM),
    ("tumour", codes::NEOPLASM),
    ("urinary bladder", codes::URINARY_BLADDER),
];

impl Structure {
    /// The structure of a name in English: `liver`, `right_kidney`, `Kidney (L)`, `adrenal gland left`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let mut side = None;
        let mut words = Vec::new();
        let parts = name.split(|c: char| !c.is_alphanumeric());
        for word in parts.filter(|word| !word.is_empty()) {
            match word {
                "left" | "l" => side = Some(codes::LEFT),
                "right" | "r" => side = Some(codes::RIGHT),
                word => words.push(word),
            }
        }
        let name = words.join(" ");
        let found = NAMES.binary_search_by_key(&name.as_str(), |(known, _)| known);
        let (_, code) = found.ok().and_then(|at| NAMES.get(at))?;
        let code = code.clone();
        Some(Self { code, side })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| name));
        for (name, code) in &NAMES {
            let found = Structure::named(name).unwrap();
            assert_eq!((&found.code, found.side), (code, None));
        }
    }
}
