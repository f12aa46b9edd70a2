/* SPDX-License-Identifier: MIT */
/* The other side of the fast path: what Linux does to the words that it reads. Each is a thread's function. */
#ifndef LINUX_WRITERS_H
#define LINUX_WRITERS_H

void writer_zap(void);
void writer_zap_second(void);
void writer_unmap_rcu(void);
void writer_unmap_ipi(void);
void writer_collapse(void);
void writer_collapse_without_ipi(void);
void writer_collapse_same_table(void);
void writer_collapse_same_table_without_ipi(void);
void writer_reclaim_table(void);
void writer_fault_table(void);
void writer_split_folio(void);
void writer_fork(void);
void writer_truncate(void);
void writer_split_pmd(void);
void writer_zap_pud(void);
void writer_unshare_pmd(void);
void writer_unshare_pmd_without_ipi(void);
void writer_secret(void);
void writer_secret_after_ipi(void);
void writer_write_back(void);
void writer_migrate(void);
void writer_share(void);
void writer_share_without_barrier(void);
void writer_share_huge(void);
void writer_special(void);
void writer_count(void);
void writer_grow(void);
void writer_halves(void);
void writer_halves_wrong_order(void);
void writer_halves_without_ipi(void);

#endif
