#!/bin/busybox sh
# /init of Xen's first domain: starts one domain after the other, and gives their dumps to the host. A line of /domains names
# each: its type, where its dump, its console's text and the beginning of its saved state go (0: it is not saved).
/bin/busybox --install -s /bin
for programs in /usr/lib/xen-*/bin; do export PATH=/bin:$programs; done
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /run/xen /run/xenstored /var/lock /var/lib/xen /var/lib/xenstored /var/log/xen/console /tmp
mount -t devpts devpts /dev/pts
ln -s /run /var/run
for module in $(cat /modules/order); do
    insmod /modules/$module || echo "@E the module $module was not loaded"
done
mount -t xenfs xenfs /proc/xen
for resource in /sys/bus/pci/devices/*/resource2; do
    [ "$(cat ${resource%/*}/vendor ${resource%/*}/device | tr -d '\n')" = 0x1af40x1110 ] && memory=$resource
done
xenstored --pid-file /run/xenstored.pid || echo "@E xenstored did not start"
sleep 1
xen-init-dom0 || echo "@E xen-init-dom0 failed"
xenconsoled --log=guest --log-dir=/var/log/xen/console --pid-file=/run/xenconsoled.pid || echo "@E xenconsoled did not start"
echo "@X $(xl info xen_version)"

while read type dump text saved; do
    console=/var/log/xen/console/guest-$type.log
    # Without tsc_mode, Xen emulates rdtsc by a feature of AMD's that QEMU does not have.
    printf 'name="%s"\ntype="%s"\nkernel="/vmlinuz"\nramdisk="/domain"\nmemory=192\nvcpus=2\ntsc_mode="native"\nextra="%s"\n' \
        $type $type "console=hvc0 quiet loglevel=1 panic=-1 random.trust_cpu=on" > /$type.cfg
    xl create /$type.cfg || { echo "@E xl create $type failed"; continue; }
    until grep -q ^@D $console; do sleep 1; done
    xl dump-core $type /dump || echo "@E xl dump-core $type failed"
    /xen_copy $memory $dump /dump
    /xen_copy $memory $text $console
    rm /dump
    # Its progress is a line without an end.
    if [ $saved != 0 ]; then
        xl save $type /saved 2> /dev/null || echo "@E xl save $type failed"
        head -c 65536 /saved > /beginning
        /xen_copy $memory $saved /beginning
        rm /saved
    else
        xl destroy $type
    fi
done < /domains
poweroff -f
