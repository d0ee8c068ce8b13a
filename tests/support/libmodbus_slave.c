/* A Modbus TCP slave by libmodbus: libmodbus_slave PORT DELAY_MS. It knows nothing of the register map;
   it says on its output what it reads in 32-bit places by its own macros. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COILS = 800, REGISTERS = 2048, MAILBOX = 1028, BASE_TICK = 1038, ENCODER_TICK = 6, ADDRESS_AT = 8 };

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    modbus_t *bus = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    modbus_mapping_t *map = modbus_mapping_new(COILS, COILS, REGISTERS, REGISTERS);
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    if (bus == NULL || map == NULL)
        return 1;
    map->tab_registers[0] = 0x534C;
    map->tab_registers[1] = 3;
    map->tab_registers[2] = 1;
    int32_t tick = 0x12345678;
    MODBUS_SET_INT32_TO_INT16(map->tab_registers, ENCODER_TICK, tick);
    int listener = modbus_tcp_listen(bus, 1);
    if (listener < 0)
        return 1;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        if (modbus_tcp_accept(bus, &listener) < 0)
            return 1;
        for (;;) {
            int length = modbus_receive(bus, request);
            if (length < 0)
                break;
            usleep(atoi(argv[2]) * 1000);
            modbus_reply(bus, request, length, map);
            if (request[7] == MODBUS_FC_WRITE_MULTIPLE_REGISTERS
                && MODBUS_GET_INT16_FROM_INT8(request, ADDRESS_AT) == MAILBOX) {
                printf("base tick %d\n",
                       MODBUS_GET_INT32_FROM_INT16(map->tab_registers, BASE_TICK));
                fflush(stdout);
            }
        }
    }
}
