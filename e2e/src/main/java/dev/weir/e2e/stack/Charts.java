package dev.weir.e2e.stack;

import dev.weir.local.ChartRepository;
import java.io.IOException;

/** Serves Weir's charts on a port of loopback until it is ended. */
final class Charts {
    private Charts() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        try (ChartRepository repository = new ChartRepository(Integer.parseInt(args[0]))) {
            System.out.println("charts at " + repository.url());
            Thread.currentThread().join();
        }
    }
}
