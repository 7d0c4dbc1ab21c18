//! From a header to the factor of its slices.

use std::path::Path;

use super::super::tag::Tag;
use super::header::{DAY, Header, Injection};
use super::{Suv, SuvFactor, SuvFault, SuvReference};

/// Half-lives after which no activity is left to measure.
const MOST_HALF_LIVES: f64 = 20.0;

/// A header on its way to a factor.
struct Case<'a> {
    header: &'a Header,
    /// The earliest acquisition of all slices.
    earliest: Option<f64>,
    path: &'a Path,
}

pub(super) fn factor(
    header: &Header,
    earliest: Option<f64>,
    suv: Suv,
    path: &Path,
) -> Result<SuvFactor, SuvFault> {
    let case = Case {
        header,
        earliest,
        path,
    };
    case.check()?;
    let scanner = |factor: f64| SuvFactor {
        factor,
        decay_seconds: 0.0,
        reference: SuvReference::Scanner,
    };
    match header.units.as_deref() {
        Some("BQML") => case.of_activity(suv, 1.0),
        Some("CNTS") => match (header.philips_suv, header.philips_activity) {
            (Some(factor), _) => Ok(scanner(factor * case.ratio(Suv::BodyWeight, suv)?)),
            (None, Some(activity)) => case.of_activity(suv, activity),
            (None, None) => Err(case.missing(vec![Tag::new(0x7053, 0x1000)])),
        },
        Some("GML") => {
            let given = match header.suv_type.as_deref() {
                None | Some("BW") => Suv::BodyWeight,
                Some("LBM" | "LBMJANMA") => Suv::LeanBodyMass,
                Some("LBMJAMES128") => Suv::LeanBodyMassJames,
                Some("IBW") => Suv::Ideal,
                Some(other) => {
                    let rule = "BW, LBM, LBMJANMA, LBMJAMES128 or IBW";
                    return Err(case.invalid(Tag::SUV_TYPE, rule, other));
                }
            };
            Ok(scanner(case.ratio(given, suv)?))
        }
        Some("CM2ML") => Ok(scanner(case.ratio(Suv::BodySurface, suv)?)),
        Some(other) => Err(case.invalid(Tag::UNITS, "BQML, CNTS, GML or CM2ML", other)),
        None => Err(case.missing(vec![Tag::UNITS])),
    }
}

impl Case<'_> {
    fn missing(&self, tags: Vec<Tag>) -> SuvFault {
        SuvFault::Missing {
            path: self.path.to_owned(),
            tags,
        }
    }

    fn invalid(&self, tag: Tag, rule: &'static str, value: impl std::fmt::Display) -> SuvFault {
        SuvFault::Invalid {
            path: self.path.to_owned(),
            tag,
            rule,
            value: value.to_string(),
        }
    }

    /// Numbers in other units than the standard's would give factors that look right.
    fn check(&self) -> Result<(), SuvFault> {
        let body = &self.header.body;
        let weight = (
            Tag::PATIENT_WEIGHT,
            body.weight,
            0.0,
            1000.0,
            "kilograms, up to 1000",
        );
        let height = (Tag::PATIENT_SIZE, body.height, 0.0, 3.0, "metres, up to 3");
        let dose = (
            Tag::RADIONUCLIDE_TOTAL_DOSE,
            self.header.dose,
            1e4,
            1e12,
            "becquerels, more than 10000",
        );
        let life = (
            Tag::RADIONUCLIDE_HALF_LIFE,
            self.header.half_life,
            0.0,
            1e12,
            "seconds, above 0",
        );
        for (tag, value, above, most, rule) in [weight, height, dose, life] {
            if let Some(value) = value.filter(|value| !(*value > above && *value <= most)) {
                return Err(self.invalid(tag, rule, value));
            }
        }
        Ok(())
    }

    /// From uptakes of one kind to those of another.
    fn ratio(&self, from: Suv, to: Suv) -> Result<f64, SuvFault> {
        if from == to {
            return Ok(1.0);
        }
        let measure = |suv| {
            let measure = self.header.body.measure(suv);
            measure.map_err(|tags| self.missing(tags))
        };
        Ok(measure(to)? / measure(from)?)
    }

    /// From activities, or numbers that are proportional to them.
    fn of_activity(&self, suv: Suv, activity: f64) -> Result<SuvFactor, SuvFault> {
        let header = self.header;
        let measure = header.body.measure(suv);
        let mut absent = measure.clone().err().unwrap_or_default();
        let mut need = |tag: Tag, there: bool| {
            if !there {
                absent.push(tag);
            }
        };
        need(Tag::RADIONUCLIDE_TOTAL_DOSE, header.dose.is_some());
        need(Tag::RADIONUCLIDE_HALF_LIFE, header.half_life.is_some());
        need(Tag::DECAY_CORRECTION, header.decay_correction.is_some());
        need(Tag::CORRECTED_IMAGE, !header.corrected.is_empty());
        let admin = header.decay_correction.as_deref() == Some("ADMIN");
        need(
            Tag::RADIOPHARMACEUTICAL_START_DATE_TIME,
            admin || header.injection.is_some(),
        );
        let (Ok(measure), Some(dose), Some(half_life), true) =
            (measure, header.dose, header.half_life, absent.is_empty())
        else {
            return Err(self.missing(absent));
        };
        let corrected = |term: &str| header.corrected.iter().any(|found| found == term);
        let (reference, moment) = match header.decay_correction.as_deref() {
            Some("START") => self.start(half_life)?,
            Some("NONE") => {
                let own = header.acquisition;
                let own = own.ok_or_else(|| self.missing(vec![Tag::ACQUISITION_TIME]))?;
                (SuvReference::Acquisition, Some(own))
            }
            Some("ADMIN") => (SuvReference::Injection, None),
            other => {
                let rule = "START, ADMIN or NONE";
                return Err(self.invalid(Tag::DECAY_CORRECTION, rule, other.unwrap_or("")));
            }
        };
        let decays = reference == SuvReference::Acquisition || corrected("DECY");
        if !corrected("ATTN") || !decays {
            let rule =
                "corrected for attenuation (ATTN) and, as DecayCorrection says, decay (DECY)";
            let found = header.corrected.join("\\");
            return Err(self.invalid(Tag::CORRECTED_IMAGE, rule, found));
        }
        let decay_seconds = match (moment, header.injection) {
            (Some(moment), Some(Injection::At(injection))) => moment - injection,
            // Without a date it was the last time that clocks showed this time: midnight may lie between.
            (Some(moment), Some(Injection::TimeOfDay(time))) => {
                (moment.rem_euclid(DAY) - time).rem_euclid(DAY)
            }
            _ => 0.0,
        };
        if !(0.0..=MOST_HALF_LIVES * half_life).contains(&decay_seconds) {
            return Err(SuvFault::Times {
                path: self.path.to_owned(),
                seconds: decay_seconds,
                half_life,
            });
        }
        let left = dose * (-decay_seconds / half_life).exp2();
        Ok(SuvFactor {
            factor: activity * measure / left,
            decay_seconds,
            reference,
        })
    }

    /// The moment to which the images are corrected.
    fn start(&self, half_life: f64) -> Result<(SuvReference, Option<f64>), SuvFault> {
        let header = self.header;
        let missing = || self.missing(vec![Tag::ACQUISITION_DATE, Tag::ACQUISITION_TIME]);
        let earliest = self.earliest.ok_or_else(missing)?;
        if let Some(series) = header.series.filter(|series| *series <= earliest) {
            return Ok((SuvReference::Series, Some(series)));
        }
        // A series time behind the acquisition is that of a later reconstruction.
        if let Some(start) = header.ge_scan_start {
            return Ok((SuvReference::GeScanStart, Some(start)));
        }
        let positive = |ms: Option<f64>| ms.filter(|ms| *ms > 0.0).map(|ms| ms / 1000.0);
        let frame = positive(header.frame_reference).zip(positive(header.frame_duration));
        match (header.acquisition, frame) {
            (Some(acquisition), Some((reference, duration))) => {
                // Where in the frame the mean count rate is.
                let constant = std::f64::consts::LN_2 / half_life;
                let decay = constant * duration;
                let mean = (decay / -(-decay).exp_m1()).ln() / constant;
                let moment = acquisition - reference + mean;
                Ok((SuvReference::FrameReferenceTime, Some(moment)))
            }
            _ => Ok((SuvReference::EarliestAcquisition, Some(earliest))),
        }
    }
}
