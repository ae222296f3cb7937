//! A report as the lake keeps it.

use casbah_model::inspection::{self, Extent, Inspection, Skipped};

use crate::report::{Confidence, Finding, Inspected, Reason, Report, Sample};

impl From<Report> for Inspection {
    fn from(report: Report) -> Inspection {
        let skip = |part: Option<String>, reason: Reason| Skipped {
            part,
            reason: reason.name().into(),
            fix: None,
        };
        let (extent, skipped) = match report.inspected {
            Inspected::Whole => (Extent::Whole, vec![]),
            Inspected::Partly(parts) => {
                let parts = parts.into_iter();
                let skipped = parts.map(|(part, reason)| skip(Some(part), reason));
                (Extent::Partly, skipped.collect())
            }
            Inspected::Not(reason) => (Extent::Not, vec![skip(None, reason)]),
        };
        Inspection {
            format: report.format.into(),
            extent,
            skipped,
            chars: report.chars,
            findings: report.findings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Finding> for inspection::Finding {
    fn from(finding: Finding) -> inspection::Finding {
        inspection::Finding {
            detector: finding.detector,
            confidence: match finding.confidence {
                Confidence::Low => inspection::Confidence::Low,
                Confidence::Medium => inspection::Confidence::Medium,
                Confidence::High => inspection::Confidence::High,
            },
            count: finding.count,
            distinct: finding.distinct,
            samples: finding.samples.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Sample> for inspection::Sample {
    fn from(sample: Sample) -> inspection::Sample {
        inspection::Sample {
            masked: sample.masked,
            hash: sample.hash,
            part: sample.part,
        }
    }
}
