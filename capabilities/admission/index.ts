/** Mutates and validates Herald's own kinds, and no others: a webhook on Services could keep everybody from creating one. */
import { Capability } from "pepr";
import { admitBfdProfiles } from "./bfd-profile";
import { admitBgpAdvertisements } from "./bgp-advertisement";
import { admitBgpPeers } from "./bgp-peer";
import { admitCommunities } from "./community";
import { admitIpAddressPools } from "./ip-address-pool";
import { admitL2Advertisements } from "./l2-advertisement";
import { isAdmissionProcess, startAdmission } from "./main";
import { createValidate } from "./review";

export const admission = new Capability({
  name: "admission",
  description: "Judges every change of Herald's resources against the whole configuration",
});

const runtime = isAdmissionProcess(process.env) ? startAdmission(admission) : undefined;
const validate = createValidate(() => {
  if (runtime === undefined) throw new Error("this process does not serve admission");
  return runtime;
});

admitIpAddressPools(admission, validate);
admitL2Advertisements(admission, validate);
admitBgpAdvertisements(admission, validate);
admitBgpPeers(admission, validate);
admitBfdProfiles(admission, validate);
admitCommunities(admission, validate);
