package dev.weir.apiserver.rest;

import dev.weir.apiserver.auth.Access;
import dev.weir.apiserver.auth.RoleGuard;
import dev.weir.apiserver.auth.ServiceAccountTokens;
import dev.weir.apiserver.custom.Definitions;
import dev.weir.apiserver.table.Tables;
import java.time.Clock;

/** Puts the request pipeline together. */
public final class Wiring {
    private Wiring() {}

    public static ApiHandler handler(
            Resources resources,
            Definitions definitions,
            Tables tables,
            Access access,
            ServiceAccountTokens tokens,
            Clock clock) {
        Writes writes = new Writes(resources, clock, new RoleGuard(access));
        Deletes deletes = new Deletes(resources, clock);
        return new ApiHandler(
                resources,
                new Discovery(resources.kinds(), definitions::documents),
                new Reads(resources, tables),
                writes,
                new Scales(resources, writes, definitions.scales()),
                new Subresources(resources, writes, deletes, new Evictions(resources, deletes, clock), tokens, access),
                access);
    }
}
