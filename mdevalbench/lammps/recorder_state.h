// States of a running loop, written as samples and frames (see recorder.cpp).

#ifndef MDEB_RECORDER_STATE_H
#define MDEB_RECORDER_STATE_H

#include "recorder_memory.h"

namespace {

// ---------------------------------------------------------------- the loop that is running

struct Loop {
  LAMMPS *lmp;
  LoopRecord *record;
  int64_t index;
  int integrate_bits = 0;
  int64_t requested = 0, begun = 0;
  double dt = 0.0;
  int64_t stride = 1;
  int64_t sample_number = 0, next_sample = -1;    // in steps of this loop, from 1
  int64_t frame_every = 1;    // in samples; 0 for none
  int pairs_left = 0;
  bool frame_due = false, successor_due = false;
  bigint kept_eflag = -1, kept_vflag = -1;
  bool tallied_by_us = false;
};
std::vector<Loop *> running;
double clock_time = 0.0;    // time integrated so far, by our own count
int64_t commands = 0, loop_count = 0;
bool rebuilt = false;
std::string last_settings;
int64_t last_settings_at = -1;

double sum_energies(LAMMPS *lmp)
{
  Force *f = lmp->force;
  double e = 0.0;
  if (f->pair) e += f->pair->eng_vdwl + f->pair->eng_coul;
  if (f->bond) e += f->bond->energy;
  if (f->angle) e += f->angle->energy;
  if (f->dihedral) e += f->dihedral->energy;
  if (f->improper) e += f->improper->energy;
  if (f->kspace) e += f->kspace->energy;
  return e;
}

bool is_constraint(const Fix *fix)
{
  return strncmp(fix->style, "shake", 5) == 0 || strncmp(fix->style, "rattle", 6) == 0 || strncmp(fix->style, "rigid", 5) == 0;
}

// of the interactions; the pressure also needs that of constraints, which hold no part of the potential
void sum_virial(LAMMPS *lmp, double *virial, bool with_constraints)
{
  Force *f = lmp->force;
  const double *parts[] = {f->pair ? f->pair->virial : nullptr,         f->bond ? f->bond->virial : nullptr,
                           f->angle ? f->angle->virial : nullptr,       f->dihedral ? f->dihedral->virial : nullptr,
                           f->improper ? f->improper->virial : nullptr, f->kspace ? f->kspace->virial : nullptr};
  std::fill(virial, virial + 6, 0.0);
  for (const double *part : parts)
    for (int k = 0; part && k < 6; k++) virial[k] += part[k];
  for (int i = 0; with_constraints && i < lmp->modify->nfix; i++) {
    const Fix *fix = lmp->modify->fix[i];
    for (int k = 0; fix->virial_global_flag && is_constraint(fix) && k < 6; k++) virial[k] += fix->virial[k];
  }
}

bool energy_is_tallied(LAMMPS *lmp) { return lmp->update->eflag_global == lmp->update->ntimestep; }
bool virial_is_tallied(LAMMPS *lmp) { return lmp->update->vflag_global == lmp->update->ntimestep; }

double mass_of(const Atom *atom, int i) { return atom->rmass ? atom->rmass[i] : atom->mass ? atom->mass[atom->type[i]] : 0.0; }

const double NOT_A_NUMBER = std::numeric_limits<double>::quiet_NaN();

// ---------------------------------------------------------------- writing samples and frames

void write_sample(const Loop &loop)
{
  auto *row = reinterpret_cast<SampleRow *>(room(header->samples_section, sizeof(SampleRow)));
  if (!row) return;
  LAMMPS *lmp = loop.lmp;
  Atom *atom = lmp->atom;
  *row = SampleRow{};
  row->loop = loop.index;
  row->step = lmp->update->ntimestep;
  row->natoms = atom->natoms;
  row->time = clock_time;
  row->potential_energy = energy_is_tallied(lmp) ? sum_energies(lmp) : NOT_A_NUMBER;
  if (virial_is_tallied(lmp)) sum_virial(lmp, row->virial, true);
  else std::fill(row->virial, row->virial + 6, NOT_A_NUMBER);
  box_shape(lmp->domain, row->h);
  for (int i = 0; i < atom->nlocal; i++) {
    if (!(atom->mask[i] & loop.integrate_bits)) continue;
    const double m = mass_of(atom, i), *v = atom->v[i];
    row->integrated++;
    row->mass += m;
    for (int k = 0; k < 3; k++) {
      row->momentum[k] += m * v[k];
      row->kinetic[k] += m * v[k] * v[k];
    }
    row->kinetic[3] += m * v[0] * v[1];
    row->kinetic[4] += m * v[0] * v[2];
    row->kinetic[5] += m * v[1] * v[2];
  }
  for (double &k : row->kinetic) k *= lmp->force->mvv2e;
  commit(header->samples_section, sizeof(SampleRow));
}

struct FixEffects {
  bool can_act, known, moved;
};

// whether fixes have changed box or positions since the forces were computed (`press/berendsen`, `deform`)
bool moved_since_forces(LAMMPS *lmp)
{
  if (!state_before_end.is_of_now(lmp) || !state_before_end.nlocal) return false;
  double h[6];
  box_shape(lmp->domain, h);
  return memcmp(h, state_before_end.h, sizeof h) || memcmp(lmp->domain->boxlo, state_before_end.origin, sizeof state_before_end.origin) ||
      memcmp(lmp->atom->x[0], state_before_end.vectors.data(), state_before_end.vectors.size() * sizeof(double));
}

// whether fixes may have changed the forces since they were computed, and whether we hold them from before
FixEffects fix_effects(LAMMPS *lmp, int64_t kind)
{
  const Modify *modify = lmp->modify;
  const int acting[] = {post_force_fixes(modify, 0), post_force_respa_fixes(modify, 0), modify->n_min_post_force};
  return {acting[kind] > 0, acting[kind] > 0 && kind == VERLET && forces_before_fixes.is_of_now(lmp), moved_since_forces(lmp)};
}

uint64_t frame_bytes(int64_t natoms, bool applied, bool moved) { return sizeof(FrameHeader) + natoms * (4 + 9 + 3 * applied + 3 * moved) * 8; }

void fill_frame(char *place, const Loop &loop, int64_t kind, const FixEffects &effects)
{
  LAMMPS *lmp = loop.lmp;
  Atom *atom = lmp->atom;
  const int n = atom->nlocal;
  auto *frame = reinterpret_cast<FrameHeader *>(place);
  *frame = FrameHeader{};
  frame->kind = kind;
  frame->loop = loop.index;
  frame->step = lmp->update->ntimestep;
  frame->natoms = n;
  frame->has_applied = effects.known;
  frame->has_moved = effects.moved;
  frame->clean = !effects.can_act || effects.known;
  frame->tallied = energy_is_tallied(lmp);
  frame->time = clock_time;
  frame->dt = lmp->update->dt;
  for (int k = 0; k < 3; k++) {
    frame->periodic[k] = lmp->domain->periodicity[k];
    frame->origin[k] = lmp->domain->boxlo[k];
  }
  box_shape(lmp->domain, frame->h);
  frame->potential_energy = energy_is_tallied(lmp) ? sum_energies(lmp) : NOT_A_NUMBER;
  frame->tail_energy = lmp->force->pair && lmp->force->pair->tail_flag ? lmp->force->pair->etail / (frame->h[0] * frame->h[1] * frame->h[2]) : 0.0;
  if (virial_is_tallied(lmp)) sum_virial(lmp, frame->virial, false);
  else std::fill(frame->virial, frame->virial + 6, NOT_A_NUMBER);

  auto *ints = reinterpret_cast<int64_t *>(frame + 1);
  auto *masses = reinterpret_cast<double *>(ints + 2 * n);
  auto *integrated = reinterpret_cast<int64_t *>(masses + n);
  auto *x = reinterpret_cast<double *>(integrated + n);
  double *v = x + 3 * size_t(n), *f = v + 3 * size_t(n), *applied = f + 3 * size_t(n);
  double *computed = effects.known ? applied + 3 * size_t(n) : applied;
  for (int i = 0; i < n; i++) {
    ints[i] = atom->tag_enable ? atom->tag[i] : i + 1;
    ints[n + i] = atom->type[i];
    masses[i] = mass_of(atom, i);
    integrated[i] = (atom->mask[i] & loop.integrate_bits) != 0;
  }
  if (!n) return;
  const size_t bytes = 3 * size_t(n) * sizeof(double);
  memcpy(x, atom->x[0], bytes);
  memcpy(v, atom->v[0], bytes);
  memcpy(f, effects.known ? forces_before_fixes.vectors.data() : atom->f[0], bytes);
  for (int k = 0; effects.known && k < 3 * n; k++) applied[k] = atom->f[0][k] - f[k];
  if (effects.moved) {
    std::copy(state_before_end.origin, state_before_end.origin + 3, frame->computed_origin);
    std::copy(state_before_end.h, state_before_end.h + 6, frame->computed_h);
    memcpy(computed, state_before_end.vectors.data(), bytes);
  }
}

void write_frame(const Loop &loop, int64_t kind)
{
  const FixEffects effects = fix_effects(loop.lmp, loop.record->kind);
  const uint64_t bytes = frame_bytes(loop.lmp->atom->nlocal, effects.known, effects.moved);
  char *place = room(header->frames_section, bytes);
  if (!place) return;
  fill_frame(place, loop, kind, effects);
  commit(header->frames_section, bytes);
}

// ---------------------------------------------------------------- the end state of the last loop, kept in one of two slots

FrameHeader *last_end()
{
  if (!header->final_slot) return nullptr;
  return reinterpret_cast<FrameHeader *>(memory_base + header->final_slots.at + (header->final_slot - 1) * header->final_slots.capacity);
}

void keep_end(const Loop &loop)
{
  const FixEffects effects = fix_effects(loop.lmp, loop.record->kind);
  if (frame_bytes(loop.lmp->atom->nlocal, effects.known, effects.moved) > header->final_slots.capacity) {
    header->final_slot = 0;
    header->final_slots.dropped++;
    return;
  }
  const uint64_t slot = header->final_slot == 1 ? 1 : 0;    // the slot that is not in use
  fill_frame(memory_base + header->final_slots.at + slot * header->final_slots.capacity, loop, END, effects);
  std::atomic_signal_fence(std::memory_order_seq_cst);    // the frame is written before it is the last one
  header->final_slot = slot + 1;
}

void copy_last_end_to_frames()
{
  FrameHeader *end = last_end();
  const uint64_t bytes = frame_bytes(end->natoms, end->has_applied, end->has_moved);
  char *place = room(header->frames_section, bytes);
  if (!place) return;
  memcpy(place, end, bytes);
  commit(header->frames_section, bytes);
}

}    // namespace

#endif
