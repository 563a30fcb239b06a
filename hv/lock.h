/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spin locks: first come, first served.  Interrupts are off in root mode, so that no variant for them
 * is needed; an NMI handler takes none.  Plain C11 atomics: links on the host.
 */
#ifndef HV_LOCK_H
#define HV_LOCK_H

#include "hv/types.h"

struct lock {
	u32 next, owner;
};

static inline void lock(struct lock *l)
{
	u32 ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (unlikely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket))
		__builtin_ia32_pause();
}

static inline void unlock(struct lock *l)
{
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

static inline bool trylock(struct lock *l)
{
	u32 ticket = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);

	return CAS(&l->next, &ticket, ticket + 1);
}

#ifdef CAISSON_CHECKS
void debug_lock(const struct lock *l, const char *name, u8 *site);
void debug_unlock(const struct lock *l);
#define lock(l)                                          \
	({                                               \
		static u8 site_;                         \
		struct lock *l_ = (l);                   \
		debug_lock(l_, __FILE__ ":" #l, &site_); \
		lock(l_);                                \
	})
#define unlock(l)                      \
	({                             \
		struct lock *l_ = (l); \
		debug_unlock(l_);      \
		unlock(l_);            \
	})
#endif

#endif
