#!/bin/sh
# SPDX-License-Identifier: MIT
# Unpacks the libraries that the tests need for a foreign architecture into a folder outside the
# tree, and writes a meson cross file for it there. Nothing foreign is installed.
# usage: tools/sysroot.sh i386|s390x      prints the cross file's path
set -eu

arch=$1
cache=${PAGEWALK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/pagewalk}
root=$cache/sysroot/$arch
case $arch in
i386)
    triplet=i386-linux-gnu gnu=i686-linux-gnu cpu=x86 endian=little
    # The machine itself runs the programs if its kernel can run 32-bit programs (ia32_emulation). Otherwise QEMU
    # does, which is slower, and whose version 7.2 may hang on threads.
    libraries=/usr/$gnu/lib:$root/usr/lib/$triplet:$root/lib/$triplet
    loader=/usr/$gnu/lib/ld-linux.so.2
    if "$loader" --version >/dev/null 2>&1; then
        wrapper="'$loader', '--library-path', '$libraries'"
    else
        wrapper="'qemu-i386', '-L', '/usr/$gnu', '-E', 'LD_LIBRARY_PATH=$libraries'"
    fi
    ;;
s390x)
    triplet=s390x-linux-gnu gnu=s390x-linux-gnu cpu=s390x endian=big
    libraries=$root/usr/lib/$triplet:$root/lib/$triplet
    wrapper="'qemu-s390x', '-L', '/usr/$gnu', '-E', 'LD_LIBRARY_PATH=$libraries'"
    ;;
*) echo "sysroot.sh: unknown architecture '$arch'" >&2; exit 2 ;;
esac

packages="libcmocka0 libcmocka-dev liblzma5 liblzma-dev liburcu8 liburcu-dev libbsd-dev libjansson4 libjansson-dev"
if [ "$(cat "$root/complete" 2>/dev/null)" != "$packages" ]; then
    new=$root.new.$$
    rm -rf "$new"
    mkdir -p "$new"
    trap 'rm -rf "$new"' EXIT
    if ! dpkg --print-foreign-architectures | grep -qx "$arch"; then
        dpkg --add-architecture "$arch"
    fi
    # Some architectures have no index in the security archive: apt complains and goes on.
    apt-get -qq update >&2 || true
    for package in $packages; do
        (cd "$new" && apt-get -qq download "$package:$arch" >&2)
    done
    for file in "$new"/*.deb; do
        dpkg-deb --fsys-tarfile "$file" | tar -C "$new" -x
        rm "$file"
    done
    echo "$packages" > "$new/complete"
    rm -rf "$root"
    mv "$new" "$root"
fi

cross=$root/cross.txt
cat > "$cross.$$" <<END
[binaries]
c = '$gnu-gcc'
ar = '$gnu-ar'
strip = '$gnu-strip'
objdump = '$gnu-objdump'
pkgconfig = 'pkg-config'
exe_wrapper = [$wrapper]

[properties]
needs_exe_wrapper = true
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/$triplet/pkgconfig'

[built-in options]
c_link_args = ['-L$root/usr/lib/$triplet', '-L$root/lib/$triplet', '-Wl,-rpath-link,$root/usr/lib/$triplet:$root/lib/$triplet']

[host_machine]
system = 'linux'
cpu_family = '$cpu'
cpu = '$cpu'
endian = '$endian'
END
mv "$cross.$$" "$cross"
echo "$cross"
