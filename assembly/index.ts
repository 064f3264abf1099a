/** What the host may call: exports only. */
export { layoutFold, initialise, memoryNeeded } from './setup';
export { decode } from './decode';
export { aggregate, settle, touch } from './aggregate';
export { addPhase, addZonePoint, beginZone, clearCatalog, setPlan } from './credit';
export { forgetFlagged } from './forget';
export { findVm, forgetAll, internNic, internVm, reindex } from './intern';
export { writeMinute } from './emit';
