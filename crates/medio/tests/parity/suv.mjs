// Factors of standardised uptake values as @cornerstonejs/calculate-suv 1.1.0 gives them (MIT licence).
//
//   npm install @cornerstonejs/calculate-suv@1.1.0 && node suv.mjs > suv.json
import { createRequire } from 'module';

const { calculateSUVScalingFactors } = createRequire(import.meta.url)('@cornerstonejs/calculate-suv');
console.warn = () => {};

const base = {
  Units: 'BQML',
  CorrectedImage: ['ATTN', 'DECY', 'SCAT'],
  DecayCorrection: 'START',
  PatientWeight: 68,
  PatientSize: 1.7,
  PatientSex: 'M',
  RadionuclideTotalDose: 374000000,
  RadionuclideHalfLife: 6586.2,
  RadiopharmaceuticalStartDateTime: '20140618083045',
  SeriesDate: '20140618',
  SeriesTime: '093212',
  AcquisitionDate: '20140618',
  AcquisitionTime: '093212',
};
// Each case: what differs from `base`, and the acquisition time of a second slice.
const cases = {
  series_time: [{}, '093512'],
  woman: [{ PatientSex: 'F', PatientWeight: 54.5, PatientSize: 1.61 }, '093512'],
  time_of_day: [{ RadiopharmaceuticalStartDateTime: undefined, RadiopharmaceuticalStartTime: '083045' }, '093512'],
  over_midnight: [{
    RadiopharmaceuticalStartDateTime: '20140617233000', SeriesTime: '003000', AcquisitionTime: '003000',
  }, '003300'],
  reconstructed_later: [{ SeriesTime: '120000' }, '093512'],
  ge_scan_start: [{ SeriesTime: '120000', GEPrivatePostInjectionDateTime: '20140618093100' }, '093512'],
  philips_suv: [{ Units: 'CNTS', PhilipsPETPrivateGroup: { SUVScaleFactor: 0.000551, ActivityConcentrationScaleFactor: 1.9 } }, '093512'],
  philips_activity: [{ Units: 'CNTS', PhilipsPETPrivateGroup: { ActivityConcentrationScaleFactor: 1.602563 } }, '093512'],
  gml: [{ Units: 'GML' }, '093512'],
  carbon_11: [{ RadionuclideHalfLife: 1223.4, RadionuclideTotalDose: 700000000, RadiopharmaceuticalStartDateTime: '20140618092212' }, '093512'],
};
const out = {};
for (const [name, [change, second]] of Object.entries(cases)) {
  const first = { ...base, ...change };
  const instances = [first, { ...first, AcquisitionTime: second }];
  out[name] = { instances, factors: calculateSUVScalingFactors(instances) };
}
console.log(JSON.stringify(out, null, 1));
