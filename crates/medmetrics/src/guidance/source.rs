//! Where the rules come from.

pub(super) const RELOADED: &str =
    "Maier-Hein, Reinke et al., Metrics Reloaded, Nature Methods 21, 195 (2024)";
pub(super) const PITFALLS: &str =
    "Reinke et al., Understanding metric-related pitfalls, Nature Methods 21, 182 (2024)";
pub(super) const CLDICE: &str = "Shit et al., clDice, CVPR 2021";
pub(super) const SURFACE_DICE: &str =
    "Nikolov et al., Segmentation of head and neck anatomy, JMIR 23, e26151 (2021)";
pub(super) const BOUNDARY_IOU: &str = "Cheng et al., Boundary IoU, CVPR 2021";
pub(super) const PANOPTIC: &str = "Kirillov et al., Panoptic Segmentation, CVPR 2019";
pub(super) const LUNA16: &str = "Setio et al., LUNA16, Medical Image Analysis 42, 1 (2017)";
pub(super) const PRECISION_RECALL: &str =
    "Saito & Rehmsmeier, Precision-recall and imbalance, PLoS ONE 10, e0118432 (2015)";
pub(super) const DECISION_CURVES: &str =
    "Vickers & Elkin, Decision curve analysis, Medical Decision Making 26, 565 (2006)";
pub(super) const CLUSTERED: &str =
    "Obuchowski, Clustered ROC curve data, Biometrics 53, 567 (1997)";
pub(super) const KUMAR: &str = "Kumar, Liang & Ma, Verified uncertainty calibration, NeurIPS 2019";
pub(super) const KAPPA: &str = "Cohen, Weighted kappa, Psychological Bulletin 70, 213 (1968)";
