// Where the recorder believes LAMMPS's variables to lie. Compiled into recorders for users' own builds: where these
// addresses are those that the library's C interface gives, the headers belong to the library (see ownbuild.py).

#include "recorder_memory.h"

extern "C" __attribute__((visibility("default"))) const void *mdeb_address(void *handle, const char *name)
{
  const LAMMPS *lmp = static_cast<LAMMPS *>(handle);
  const Update *update = lmp->update;
  const Atom *atom = lmp->atom;
  const Domain *domain = lmp->domain;
  const Force *force = lmp->force;
  const std::pair<const char *, const void *> known[] = {
      {"dt", &update->dt},         {"ntimestep", &update->ntimestep}, {"units", update->unit_style},
      {"natoms", &atom->natoms},   {"nlocal", &atom->nlocal},         {"ntypes", &atom->ntypes},
      {"boxlo", domain->boxlo},    {"boxhi", domain->boxhi},          {"xy", &domain->xy},
      {"xz", &domain->xz},         {"yz", &domain->yz},               {"periodicity", domain->periodicity},
      {"boltz", &force->boltz},    {"mvv2e", &force->mvv2e},          {"nktv2p", &force->nktv2p},
      {"ftm2v", &force->ftm2v},
  };
  for (const auto &[one, address] : known)
    if (strcmp(one, name) == 0) return address;
  return nullptr;
}
