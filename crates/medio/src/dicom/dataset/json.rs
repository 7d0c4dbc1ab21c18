//! The DICOM JSON model (PS3.18 annex F).
//!
//! Nesting is bounded by `serde_json`, which parses 128 levels at most, and by [`DEPTH`] here.

use serde_json::{Map, Number, Value as Json, json};

use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::Dataset;
use super::character_set::CharacterSet;
use super::number;
use super::value::{Element, Value};

/// Levels of items in a JSON document.
const DEPTH: u32 = 64;

pub(super) fn to_json(dataset: &Dataset) -> Result<Json, Fault> {
    encode(dataset, 0)
}

fn encode(dataset: &Dataset, depth: u32) -> Result<Json, Fault> {
    let fault = |tag: Tag, problem: &str| Fault::Json {
        path: tag.to_string(),
        problem: problem.to_owned(),
    };
    let mut object = Map::new();
    for element in dataset.elements() {
        let (tag, vr) = (element.tag(), element.vr());
        if depth > DEPTH {
            return Err(fault(tag, "nested more than 64 levels deep"));
        }
        // Group lengths have no place in the model.
        if tag.element() == 0 {
            continue;
        }
        let vr = match tag {
            Tag::SPECIFIC_CHARACTER_SET => Vr::CS,
            _ => vr,
        };
        let mut entry = Map::new();
        entry.insert("vr".to_owned(), vr.code().into());
        let value = match element.value() {
            Value::Bytes(bytes) if bytes.is_empty() => None,
            // The text of the JSON document is UTF-8.
            Value::Bytes(_) if tag == Tag::SPECIFIC_CHARACTER_SET => {
                Some(("Value", json!(["ISO_IR 192"])))
            }
            Value::Bytes(_) => values(element, dataset.character_set())?,
            Value::Items(items) => {
                let items: Result<Vec<Json>, Fault> = { items.iter() }
                    .map(|item| encode(item, depth.saturating_add(1)))
                    .collect();
                Some(("Value", Json::Array(items?)))
            }
            Value::Uri(uri) => Some(("BulkDataURI", (**uri).into())),
            Value::Fragments(_) | Value::Deferred(_) => {
                return Err(fault(tag, "its value was left in the file"));
            }
        };
        if let Some((key, value)) = value {
            entry.insert(key.to_owned(), value);
        }
        let name = format!("{:04X}{:04X}", tag.group(), tag.element());
        object.insert(name, Json::Object(entry));
    }
    Ok(Json::Object(object))
}

/// The key of a value and the value; none if it is empty, or nothing but padding.
fn values(element: &Element, set: CharacterSet) -> Result<Option<(&'static str, Json)>, Fault> {
    use Vr::*;
    let list: Vec<Json> = match element.vr() {
        vr if is_inline(vr) => {
            let bytes = element.bytes().unwrap_or(&[]);
            return Ok(Some(("InlineBinary", base64(bytes).into())));
        }
        PN => { element.strings(set).into_iter() }
            .map(|name: String| {
                let keys = ["Alphabetic", "Ideographic", "Phonetic"];
                let name = name.trim_end_matches(['=', ' ', '\0']);
                let groups = keys.into_iter().zip(name.splitn(3, '='));
                let filled = groups.filter(|(_, text)| !text.is_empty());
                let name: Map<_, _> = filled
                    .map(|(key, text)| (key.to_owned(), text.into()))
                    .collect();
                if name.is_empty() {
                    Json::Null
                } else {
                    Json::Object(name)
                }
            })
            .collect(),
        // What is no number stands as the text that it is (PS3.18 table F.2.3-1), and so does a decimal string with
        // more digits than its VR has room for: as a number it could not come back.
        DS | IS => { element.strings(set).into_iter() }
            .map(|text| {
                let number = match element.vr() {
                    IS => number::whole(element.tag(), &text).ok().map(Number::from),
                    _ => decimal(element.tag(), &text).and_then(Number::from_f64),
                };
                match number {
                    Some(number) => Json::Number(number),
                    None if text.is_empty() => Json::Null,
                    None => text.into(),
                }
            })
            .collect(),
        SS | SL | US | UL => { element.integers()? }
            .into_iter()
            .map(Json::from)
            .collect(),
        // 64 bits do not fit the numbers of many readers: text is allowed for them.
        SV | UV => { element.integers()? }
            .into_iter()
            .map(|v| v.to_string().into())
            .collect(),
        FL | FD => { element.floats()? }
            .into_iter()
            .map(|value| match Number::from_f64(value) {
                Some(number) => Json::Number(number),
                None if value.is_nan() => "NaN".into(),
                None => if value > 0.0 { "inf" } else { "-inf" }.into(),
            })
            .collect(),
        AT => { element.tags()?.into_iter() }
            .map(|tag| format!("{:04X}{:04X}", tag.group(), tag.element()).into())
            .collect(),
        _ => { element.strings(set).into_iter() }
            .map(|text| {
                if text.is_empty() {
                    Json::Null
                } else {
                    text.into()
                }
            })
            .collect(),
    };
    let is_filled = list.len() > 1 || list.iter().any(|value| !value.is_null());
    Ok(is_filled.then_some(("Value", Json::Array(list))))
}

/// Whether values are bytes that stand in `InlineBinary` (PS3.18 section F.2.7).
fn is_inline(vr: Vr) -> bool {
    use Vr::*;
    matches!(vr, OB | OD | OF | OL | OV | OW | UN)
}

pub(super) fn from_json(json: &Json) -> Result<Dataset, Fault> {
    let mut dataset = decode(json, "dataset", 0)?;
    if dataset.get(Tag::SPECIFIC_CHARACTER_SET).is_none() && !is_ascii(&dataset) {
        dataset.insert(utf8());
    }
    Ok(dataset)
}

/// Text of JSON is UTF-8, whatever set the object was in that it was made of (PS3.18 section F.2.1).
fn utf8() -> Element {
    let term = Value::Bytes((*b"ISO_IR 192").into());
    Element::new(Tag::SPECIFIC_CHARACTER_SET, Vr::CS, term)
}

/// Whether no text says more than ASCII can, also in items.
fn is_ascii(dataset: &Dataset) -> bool {
    dataset
        .elements()
        .iter()
        .all(|element| match element.value() {
            Value::Items(items) => items.iter().all(is_ascii),
            Value::Bytes(bytes) => !element.vr().is_text() || bytes.is_ascii(),
            _ => true,
        })
}

fn decode(json: &Json, path: &str, depth: u32) -> Result<Dataset, Fault> {
    let fault = |path: &str, problem: &str| Fault::Json {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    let object = json
        .as_object()
        .ok_or_else(|| fault(path, "must be an object"))?;
    if depth > DEPTH {
        return Err(fault(path, "nested more than 64 levels deep"));
    }
    let mut dataset = Dataset::within(CharacterSet::UTF_8);
    for (name, entry) in object {
        let tag: Tag = { name.parse() }.map_err(|_| fault(path, "a key that is no tag"))?;
        let path = format!("{path} > {tag}");
        let vr = entry.get("vr").and_then(Json::as_str);
        let vr = vr.and_then(|vr| Vr::from_code(*vr.as_bytes().as_array::<2>()?));
        let vr = vr.ok_or_else(|| fault(&path, "vr must be a value representation"))?;
        let forms = (
            entry.get("Value"),
            entry.get("InlineBinary"),
            entry.get("BulkDataURI"),
        );
        let value = match forms {
            (None, None, None) if vr == Vr::SQ => Value::Items(Vec::new()),
            (None, None, None) => Value::Bytes(Box::new([])),
            (Some(list), None, None) => {
                let list = list
                    .as_array()
                    .ok_or_else(|| fault(&path, "Value must be a list"))?;
                value(tag, vr, list, &path, depth)?
            }
            (None, Some(text), None) if is_inline(vr) => {
                let bytes = text.as_str().and_then(unbase64);
                let bytes = bytes.ok_or_else(|| fault(&path, "InlineBinary must be base64"))?;
                Value::Bytes(bytes.into())
            }
            (None, None, Some(uri)) => {
                let uri = uri.as_str();
                let uri = uri.ok_or_else(|| fault(&path, "BulkDataURI must be text"))?;
                Value::Uri(uri.into())
            }
            (None, Some(_), None) => {
                return Err(fault(&path, "InlineBinary is of binary values only"));
            }
            _ => {
                return Err(fault(
                    &path,
                    "only one of Value, InlineBinary and BulkDataURI",
                ));
            }
        };
        dataset.insert(match tag {
            Tag::SPECIFIC_CHARACTER_SET => utf8(),
            _ => Element::new(tag, vr, value),
        });
    }
    Ok(dataset)
}

fn value(tag: Tag, vr: Vr, list: &[Json], path: &str, depth: u32) -> Result<Value, Fault> {
    use Vr::*;
    let fault = |problem: &str| Fault::Json {
        path: path.to_owned(),
        problem: problem.to_owned(),
    };
    let numbers = || -> Result<Vec<f64>, Fault> {
        let number = |json: &Json| match json {
            Json::Number(n) => n.as_f64(),
            Json::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "inf" => Some(f64::INFINITY),
                "-inf" => Some(f64::NEG_INFINITY),
                text => text.parse().ok().filter(|v: &f64| v.is_finite()),
            },
            _ => None,
        };
        let read: Option<Vec<f64>> = list.iter().map(number).collect();
        read.ok_or_else(|| fault("must be numbers"))
    };
    let texts = || -> Result<Vec<&str>, Fault> {
        let text = |json: &'_ Json| match json {
            Json::Null => Some(""),
            _ => None,
        };
        let read: Option<Vec<&str>> = list
            .iter()
            .map(|j| j.as_str().or_else(|| text(j)))
            .collect();
        read.ok_or_else(|| fault("must be texts"))
    };
    let element = match vr {
        SQ => {
            let items: Result<Vec<Dataset>, Fault> = { list.iter().enumerate() }
                .map(|(i, item)| decode(item, &format!("{path}[{i}]"), depth.saturating_add(1)))
                .collect();
            return Ok(Value::Items(items?));
        }
        PN => {
            let group = |name: &Json, key| -> Option<String> {
                match name.get(key) {
                    None => Some(String::new()),
                    Some(text) => text.as_str().map(str::to_owned),
                }
            };
            let name = |json: &Json| -> Option<String> {
                match json {
                    Json::Null => Some(String::new()),
                    Json::Object(_) => {
                        let groups = ["Alphabetic", "Ideographic", "Phonetic"];
                        let groups: Option<Vec<String>> =
                            groups.into_iter().map(|key| group(json, key)).collect();
                        Some(groups?.join("=").trim_end_matches('=').to_owned())
                    }
                    _ => None,
                }
            };
            let names: Option<Vec<String>> = list.iter().map(name).collect();
            let names = names.ok_or_else(|| fault("must be names"))?;
            return Ok(Value::Bytes(names.join("\\").into_bytes().into()));
        }
        FL | FD | OF | OD => Element::from_floats(tag, vr, &numbers()?)?,
        DS | IS => {
            // What stands as text is kept as it was written, also where it breaks the limit of integer strings.
            let text = |json: &Json| match json {
                Json::Null => Ok(String::new()),
                Json::String(text) => Ok(text.clone()),
                Json::Number(n) if vr == IS => match whole(n) {
                    Some(number) => Ok(number.to_string()),
                    None => Err(fault("must be whole numbers")),
                },
                Json::Number(n) => match n.as_f64() {
                    Some(number) => number::decimal_string(tag, number),
                    None => Err(fault("must be numbers")),
                },
                _ => Err(fault("must be numbers")),
            };
            let texts: Result<Vec<String>, Fault> = list.iter().map(text).collect();
            return Ok(Value::Bytes(texts?.join("\\").into_bytes().into()));
        }
        SS | SL | US | UL | SV | UV => {
            let number = |json: &Json| match json {
                Json::Number(n) => whole(n),
                Json::String(text) => text.parse().ok(),
                _ => None,
            };
            let read: Option<Vec<i64>> = list.iter().map(number).collect();
            let read = read.ok_or_else(|| fault("must be whole numbers"))?;
            Element::from_integers(tag, vr, &read)?
        }
        AT => {
            let mut bytes = Vec::new();
            for text in texts()? {
                let tag: Tag = { text.parse() }.map_err(|_| fault("must be tags"))?;
                bytes.extend(tag.group().to_le_bytes());
                bytes.extend(tag.element().to_le_bytes());
            }
            return Ok(Value::Bytes(bytes.into()));
        }
        _ if vr.is_text() => {
            return Ok(Value::Bytes(texts()?.join("\\").into_bytes().into()));
        }
        _ => return Err(fault("binary values stand in InlineBinary")),
    };
    Ok(element.value().clone())
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        #[expect(clippy::as_conversions, reason = "whole and in range")]
        (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
    })
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes in base64 (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let mut word = 0_u32;
        for at in 0..3 {
            word = (word << 8) | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for digit in 0..4_usize {
            let shift =
                18_u32.saturating_sub(6_u32.saturating_mul(u32::try_from(digit).unwrap_or(0)));
            let index = usize::try_from((word >> shift) & 63).unwrap_or(0);
            let letter = ALPHABET.get(index).copied().unwrap_or(b'A');
            text.push(if digit > chunk.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    text
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let (groups, []) = bytes.as_chunks::<4>() else {
        return None;
    };
    let mut out = Vec::with_capacity(groups.len().saturating_mul(3));
    for (index, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|b| **b == b'=').count();
        let marks = group.iter().filter(|b| **b == b'=').count();
        if padding > 2
            || marks != padding
            || (padding > 0 && index.checked_add(1) != Some(groups.len()))
        {
            return None;
        }
        let mut word = 0_u32;
        for letter in group {
            let digit = match letter {
                b'A'..=b'Z' => letter.wrapping_sub(b'A'),
                b'a'..=b'z' => letter.wrapping_sub(b'a').wrapping_add(26),
                b'0'..=b'9' => letter.wrapping_sub(b'0').wrapping_add(52),
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            word = (word << 6) | u32::from(digit);
        }
        let [_, a, b, c] = word.to_be_bytes();
        out.extend([a, b, c].into_iter().take(3_usize.saturating_sub(padding)));
    }
    Some(out)
}

/// The number of a decimal string, unless writing it again would give another one.
fn decimal(tag: Tag, text: &str) -> Option<f64> {
    let number = number::decimal(tag, text).ok()?;
    let again = number::decimal_string(tag, number).ok()?;
    (number::decimal(tag, &again).ok()? == number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
            assert_eq!(unbase64(text).unwrap(), plain.as_bytes());
        }
        for text in ["Z", "Zg=", "=g==", "Zg==Zg==", "Z!=="] {
            assert!(unbase64(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_dataset_survives_the_way_to_json_and_back() {
        let mut inner = Dataset::new();
        inner.set_floats(Tag::PIXEL_SPACING, &[0.5, 0.25]).unwrap();
        let mut dataset = Dataset::new();
        dataset
            .set_text(Tag::PATIENT_NAME, "Yamada^Tarou=山田^太郎")
            .unwrap();
        dataset.set_integers(Tag::ROWS, &[512]).unwrap();
        dataset.set_items(Tag::PIXEL_MEASURES_SEQUENCE, vec![inner, Dataset::new()]);
        let lut = Value::Bytes([1, 0, 255].into());
        dataset.insert(Element::new(Tag::RED_PALETTE_DATA, Vr::OW, lut));
        let uri = Value::Uri("http://server/bulk/1".into());
        dataset.insert(Element::new(Tag::PIXEL_DATA, Vr::OW, uri));
        dataset
            .set_text(Tag::IMAGE_TYPE, "ORIGINAL\\\\AXIAL")
            .unwrap();
        let json = dataset.to_json().unwrap();
        assert_eq!(json["00100010"]["Value"][0]["Ideographic"], "山田^太郎");
        assert_eq!(json["00080008"]["Value"][1], Json::Null);
        assert_eq!(json["7FE00010"]["BulkDataURI"], "http://server/bulk/1");
        let back = Dataset::from_json(&json).unwrap();
        assert_eq!(back.elements(), dataset.elements());
    }

    #[test]
    fn text_that_is_no_number_or_not_ascii_or_only_padding_is_not_lost() {
        let round = |text: &str| {
            let json: Json = serde_json::from_str(text).unwrap();
            let read = Dataset::from_json(&json).unwrap();
            let written = read.to_json().unwrap();
            let again = Dataset::from_json(&written).unwrap();
            assert_eq!(again.to_json().unwrap(), written, "{text}");
            written
        };
        let numbers = round(
            r#"{"00281053": {"vr": "DS", "Value": ["1,5", 2.5, null, "3.50"]},
                "00200013": {"vr": "IS", "Value": [7, "1.0", null, "1e3"]}}"#,
        );
        assert_eq!(numbers["00281053"]["Value"], json!(["1,5", 2.5, null, 3.5]));
        assert_eq!(numbers["00200013"]["Value"], json!([7, 1, null, "1e3"]));
        let long = round(r#"{"00281053": {"vr": "DS", "Value": ["28000200404002030"]}}"#);
        assert_eq!(long["00281053"]["Value"], json!(["28000200404002030"]));
        let code = round(r#"{"00180015": {"vr": "CS", "Value": ["SCH\u00c4DEL"]}}"#);
        assert_eq!(code["00180015"]["Value"], json!(["SCHÄDEL"]));
        for empty in [
            r#"{"00080060": {"vr": "CS", "Value": [" "]}}"#,
            r#"{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "="}]}}"#,
            r#"{"00100010": {"vr": "PN", "Value": [null]}}"#,
        ] {
            let written = round(empty);
            let element = &written.as_object().unwrap().values().next().unwrap();
            assert!(element.get("Value").is_none(), "{written}");
        }
        let name = round(r#"{"00100010": {"vr": "PN", "Value": [{"Phonetic": "c= "}]}}"#);
        assert_eq!(name["00100010"]["Value"][0], json!({"Phonetic": "c"}));
    }

    #[test]
    fn text_is_utf8_whatever_set_the_object_was_in() {
        for set in [
            r#""00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},"#,
            r#""00080005": {"vr": "CS"},"#,
            r#""00080005": {"vr": "UN", "InlineBinary": "AAA="},"#,
            "",
        ] {
            let text = format!(
                r#"{{{set} "00100010": {{"vr": "PN", "Value": [{{"Alphabetic": "Größe"}}]}}}}"#
            );
            let json: Json = serde_json::from_str(&text).unwrap();
            let read = Dataset::from_json(&json).unwrap();
            assert_eq!(read.string(Tag::PATIENT_NAME).unwrap(), "Größe", "{set}");
            let term = read.string(Tag::SPECIFIC_CHARACTER_SET);
            assert_eq!(term.as_deref(), Some("ISO_IR 192"), "{set}");
            let again = Dataset::from_json(&read.to_json().unwrap()).unwrap();
            assert_eq!(again.elements(), read.elements(), "{set}");
        }
        let plain = json!({"00280010": {"vr": "US", "Value": [1]}});
        let read = Dataset::from_json(&plain).unwrap();
        assert!(read.get(Tag::SPECIFIC_CHARACTER_SET).is_none());
    }

    #[test]
    fn what_is_no_model_is_refused_with_its_place() {
        for text in [
            "[]",
            r#"{"Rows": {}}"#,
            r#"{"00280010": {"vr": "XX"}}"#,
            r#"{"00280010": {"vr": "US", "Value": [1.5]}}"#,
            r#"{"00280010": {"vr": "US", "Value": [65536]}}"#,
            r#"{"00280010": {"vr": "US", "Value": 1}}"#,
            r#"{"00280010": {"vr": "OB", "InlineBinary": "!"}}"#,
            r#"{"00280010": {"vr": "US", "InlineBinary": "AAA="}}"#,
            r#"{"00280010": {"vr": "IS", "Value": [1.5]}}"#,
            r#"{"00280010": {"vr": "US", "Value": [1], "BulkDataURI": "x"}}"#,
            r#"{"zz": {"vr": "US"}}"#,
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            assert!(Dataset::from_json(&json).is_err(), "{text}");
        }
        let nested =
            r#"{"00082112": {"vr": "SQ", "Value": [{"00280010": {"vr": "US", "Value": ["x"]}}]}}"#;
        let json = serde_json::from_str(nested).unwrap();
        let message = Dataset::from_json(&json).unwrap_err().to_string();
        assert!(
            message.contains("SourceImageSequence (0008,2112)[0] > Rows"),
            "{message}"
        );
    }
}
