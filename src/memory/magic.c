/* SPDX-License-Identifier: MIT */
/*
 * Files of kinds that are not read here, known by their magic numbers: what each of them is, and how to
 * convert it into something that is read. The magic numbers come from LiME's
 * doc/README, avml's src/image.rs, ReactOS's and Rekall's accounts of Windows dumps, VirtualBox's SSM.cpp, QEMU's savevm.c and qcow2.txt, libvirt's qemu_saveimage.h, Xen's
 * libxc-migration-stream.pandoc, s390-tools' zgetdump, lkcd's dump.h, makedumpfile's IMPLEMENTATION.
 */
#include <string.h>

#include "memory/memory.h"

struct magic {
	const char *bytes;
	unsigned length;
	const char *what; /* the end of the first sentence: "FILE is ..." */
	const char *advice; /* the sentences after it, in which FILE stands for the file */
};

#define MAGIC(bytes, what, advice)                     \
	{                                              \
		bytes, sizeof(bytes) - 1, what, advice \
	}

static const char hibernation_advice[] =
	"Volatility 3 unpacks it to a flat file: vol -f FILE windows.hibernation.Dump. Read that as "
	"raw:OUT@0";
static const char qemu_advice[] =
	"Start QEMU with the machine's own options and -incoming 'exec:cat FILE' -S, and let it "
	"write a dump: dump-guest-memory OUT";
static const char libvirt_advice[] =
	"Restore it and dump it: virsh restore --paused FILE, virsh dump --memory-only DOMAIN OUT";
static const char xen_advice[] =
	"Restore the domain (xl restore FILE) and dump it: xl dump-core DOMAIN OUT";
static const char lkcd_advice[] =
	"Read it with the program crash; no program is known to convert it";

static const struct magic magics[] = {
	/* struct makedumpfile_header: the flattened format, for writing a dump to a pipe. */
	MAGIC("makedumpfile\0\0\0", "a flattened kdump, whose pages are in no order",
	      "Convert it first: makedumpfile -R OUT < FILE"),
	MAGIC("AVML", "a compressed memory image of AVML",
	      "Unpack it (avml-convert FILE OUT), then try OUT"),
	MAGIC("MDMP", "a minidump of a Windows process, which has no page tables",
	      "A complete memory dump of the system has them"),
	MAGIC("\x7fVirtualBox SavedState", "a saved state of VirtualBox",
	      "Start the machine and dump it: VBoxManage debugvm NAME dumpvmcore "
	      "--filename OUT"),
	MAGIC("QEVM", "a migration stream of QEMU, as savevm and migrate write it", qemu_advice),
	MAGIC("QFI\xfb", "a disk image of QEMU (qcow2)",
	      "It holds memory only in snapshots. Start QEMU with the machine's own options and "
	      "-loadvm NAME -S, and let it write a dump: dump-guest-memory OUT"),
	MAGIC("LibvirtQemudSave", "a machine that libvirt saved (virsh save)", libvirt_advice),
	MAGIC("LibvirtQemudPart", "a machine that libvirt began to save and did not finish saving",
	      "It is not complete; dump the machine again: virsh dump --memory-only DOMAIN OUT"),
	MAGIC("\xff\xff\xff\xff\xff\xff\xff\xffXENF", "a saved domain of Xen", xen_advice),
	MAGIC("Xen saved domain", "a saved domain of Xen", xen_advice),
	MAGIC("LinuxGuestRecord", "a saved domain of Xen", xen_advice),
	MAGIC("HIBR", "a hibernation file of Windows", hibernation_advice),
	MAGIC("hibr", "a hibernation file of Windows", hibernation_advice),
	MAGIC("WAKE", "a hibernation file of Windows, of a system that has woken up again",
	      hibernation_advice),
	MAGIC("wake", "a hibernation file of Windows, of a system that has woken up again",
	      hibernation_advice),
	MAGIC("RSTR", "a hibernation file of Windows, of a system that was woken up",
	      hibernation_advice),
	/* dh_magic_number, in the byte order of the machine that wrote it. */
	MAGIC("\xed\x23\x8f\x61\x73\x01\x19\xa8", "a dump of LKCD", lkcd_advice),
	MAGIC("\xa8\x19\x01\x73\x61\x8f\x23\xed", "a dump of LKCD, big-endian", lkcd_advice),
	MAGIC("\xa8\x19\x01\x73\x61\x8f\x23\xfd", "a stand-alone dump of s390",
	      "s390-tools convert it to an ELF core: zgetdump -f elf FILE > OUT"),
	MAGIC("EVF\x09\x0d\x0a\xff", "an image of EnCase (EWF)",
	      "Unpack it (ewfexport -t OUT FILE), then try OUT.raw"),
	MAGIC("\x1f\x8b", "compressed by gzip", "Unpack it first: gzip -dc < FILE > OUT"),
	MAGIC("\xfd\x37zXZ", "compressed by xz", "Unpack it first: xz -dc < FILE > OUT"),
	MAGIC("\x28\xb5\x2f\xfd", "compressed by zstd", "Unpack it first: zstd -dc < FILE > OUT"),
	MAGIC("\x04\x22\x4d\x18", "compressed by lz4", "Unpack it first: lz4 -dc < FILE > OUT"),
	MAGIC("BZh", "compressed by bzip2", "Unpack it first: bzip2 -dc < FILE > OUT"),
	MAGIC("PK\x03\x04", "a zip archive", "Unpack it first: unzip FILE"),
	MAGIC("7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first: 7z x FILE"),
};

int pw_memory_refuse_magic(const char *path, const unsigned char *host, uint64_t bytes,
			   struct pw_error *error)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *magic = &magics[i];

		if (bytes >= magic->length && memcmp(host, magic->bytes, magic->length) == 0)
			return pw_fail(error, EINVAL, "%s is %s. %s", path, magic->what,
				       magic->advice);
	}
	return 0;
}
